// Third of four: acks what C sent and Python did not finish.
import assert from 'node:assert'
import { open } from 'ringmain'

const hub = open(process.argv.at(-1))
const relay = hub.queue('relay')
const seen = []
for (let job = relay.tryReceive(); job; job = relay.tryReceive()) {
  seen.push([job.text(), job.attempts, job.failures])
  assert.equal(String(job.header('from')), 'C')
  job.ack()
}
const expected = []
for (let i = 10; i < 100; i++) {
  if (i >= 20 && i < 25) continue // rejected
  if (i < 20) expected.push([`task ${i}`, 2, 1])
  else expected.push([`task ${i}`, i < 60 ? 2 : 1, 0])
}
assert.deepEqual(seen, expected)
const member = hub.stream('log').group('audit').join()
assert.equal((await member.poll(1000, { timeoutMs: 0 })).length, 0, 'Python committed everything')
hub.stream('log').append('from Node', { key: 'key 3' })
member.leave()
await hub.close()
