// Compiled, never run: the forms that users write, and forms that must not compile.
import { open, RingmainError } from 'ringmain'
import type { ErrorCode, Job, Position, QueueStats, Record } from 'ringmain'

await using hub = open('data', { durability: 'written' })
const retry = { baseMs: 10, jitter: 'none' } as const
const queue = hub.queue('jobs', { leaseMs: 30_000, maxFailures: 3, deadLetter: 'jobs.dead', retry })
const id: number = queue.send(Buffer.from('x'), { key: 'k', headers: { a: 'b' }, delayMs: 5, eventTimeNs: 1n })
const many = ['x', new Uint8Array(3), { value: 'y', delayMs: 1, headers: [['a', 'b']] as const }]
const ids: number[] = await queue.sendManyAsync(many)
for await (const job of queue) {
  const time: bigint | null = job.eventTimeNs
  const value: Buffer = job.value
  if (job.attempts > 1) job.fail(new Error(`${value} ${time}`), { delayMs: 10 })
  else await job.ackAsync()
}
{
  using job = await queue.receive({ timeoutMs: 5, signal: AbortSignal.timeout(5), unref: true })
  job?.extend(5)
}
const failures: (RingmainError | null)[] = queue.ackMany(await queue.receiveMany(8))
const stats: QueueStats = hub.stats().queues['jobs']!

const stream = hub.stream('events', { partitions: 4 })
const position: Position = stream.append('x')
for (const record of stream.reader({ start: { timeNs: 1n }, partition: 0 })) console.log(record.offset, record.json())
using member = stream.group('g').join({ start: 'latest' })
const records: Record[] = await member.poll(10, { timeoutMs: 5 })
await member.commitAsync()

try {
  hub.flush()
} catch (error) {
  if (error instanceof RingmainError) {
    const code: ErrorCode = error.code
    console.log(code, error.number)
  }
}
console.log(id, ids, failures, stats, position, records)

// @ts-expect-error: no such option
hub.queue('jobs', { max_failures: 3 })
// @ts-expect-error: times are bigint
queue.send('x', { eventTimeNs: 1 })
// @ts-expect-error: a number is not a value
queue.send(1)
// @ts-expect-error: records have no delay
stream.append('x', { delayMs: 1 })
// @ts-expect-error: may be null
queue.tryReceive().ack()
// @ts-expect-error: a fail needs a reason
const fail = (job: Job) => job.fail()
// @ts-expect-error: jobs come from a queue
export const made: Job = new Job()
