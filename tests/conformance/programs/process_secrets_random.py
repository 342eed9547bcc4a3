import os
import secrets
import ssl
import string

token = "".join(secrets.choice(string.ascii_letters) for _ in range(20))
print(len(token), len(secrets.token_hex(8)), len(os.urandom(16)), secrets.compare_digest("a", "a"), secrets.randbelow(1))
print(ssl.OPENSSL_VERSION.startswith("OpenSSL"), ssl.create_default_context().check_hostname)
