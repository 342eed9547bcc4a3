from email import message_from_string, policy
from email.message import EmailMessage

message = EmailMessage()
message["Subject"] = "Grüße"
message["From"] = "Ann <ann@example.com>"
message["To"] = "bob@example.com"
message.set_content("Hello Bob,\n\nbest wishes\n")
message.add_attachment(b"1,2\n", maintype="text", subtype="csv", filename="a.csv")
message.set_boundary("=====")
text = message.as_string()
print(text)
back = message_from_string(text, policy=policy.default)
print(back["subject"], [part.get_content_type() for part in back.walk()])
