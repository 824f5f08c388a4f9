"""Second of four: leases tasks 0..59 and ends them in every way there is."""

import sys

import ringmain

with ringmain.open(sys.argv[1]) as hub:
    relay = hub.queue("relay", retry=ringmain.Retry(base=0.0, factor=1.0, cap=0.0, jitter="none"))
    jobs = relay.receive_many(60, timeout=10)
    assert [job.value for job in jobs] == [b"task %d" % i for i in range(60)], jobs
    assert all(job.attempts == 1 and job.header("from") == b"C" for job in jobs)
    assert jobs[13].key == b"key 3"
    for job in jobs[:10]:
        job.ack()
    for job in jobs[10:20]:
        job.fail("Python says no")
    for job in jobs[20:25]:
        job.reject("Python will not have it")
    for job in jobs[25:30]:
        job.release()
    # Tasks 30..59 are still leased when the hub is closed: they go back without penalty.
    with hub.stream("log").group("audit").join() as member:
        records = [record for _ in range(10) for record in member.poll(10, timeout=1)]
        assert len(records) == 100, len(records)
        assert {record.value for record in records} == {b"task %d" % i for i in range(100)}
        member.commit()
