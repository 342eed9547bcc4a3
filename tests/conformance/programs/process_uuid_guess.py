import uuid

print(uuid.uuid5(uuid.NAMESPACE_DNS, "python.org"), uuid.uuid4().version, uuid.UUID(int=5), uuid.UUID("{" + "0" * 32 + "}"))
print(uuid.uuid1().version, len({uuid.uuid4() for _ in range(50)}))
