import ringmain

hub = ringmain.open()  # in memory; ringmain.open("data") keeps everything on disk

emails = hub.queue("emails", max_failures=3, dead_letter="emails.dead")
emails.send(b"Hello Anna", key="anna", headers={"language": "en"})
for job in emails.receive_many(10, timeout=1):
    with job:  # acked at the end of the block, failed if an exception leaves it
        print(job.key, job.value, job.header("language"))

emails.send(b"Hello nobody")
for job in emails.receive_many(10, timeout=1):
    job.reject("no such address")  # a dead letter at once; job.fail(...) would retry first
print([dead.header("rm-dead-error") for dead in hub.queue("emails.dead").peek()])

flights = hub.stream("flights", partitions=4)
flights.append(b'{"dep_delay": 72}', key="N14228")  # one key, one partition, one order
with flights.group("billing").join() as member:
    for record in member.poll(100, timeout=1):
        print(record.partition, record.offset, record.value)
    member.commit()

hub.close()
