// Compiled, never run: the forms that users write, and forms that must not compile.
import { open, Receipt, RingmainError, StreamWorker } from 'ringmain'
import type { Accepted, ConflictError, ErrorCode, Filter, Job, Position, QueueStats, Record } from 'ringmain'

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

const gates = await hub.streamAsync('gates', { compaction: { latestOnly: true }, ageMaxMs: null })
const receipt: Receipt<Position> = gates.submit('C71', { key: 'UA1' })
const where: Position = await receipt.wait({ timeoutMs: 5, signal: AbortSignal.timeout(5) })
gates.append(null, { key: 'UA1' })
gates.appendMany(['x', { value: null, key: 'k' }, { value: 'y', key: 'k' }])
try {
  gates.appendExpecting(0, 1, ['x'])
} catch (error) {
  console.log((error as ConflictError).actual + 1)
}
const [key, last]: [Buffer, Record] = [...gates.table()][0]!
await using batcher = stream.batcher({ lingerMs: 5 })
const sent: Position = await batcher.send('x')
const { duplicate, positions }: Accepted = await stream.producer('import').appendAsync(0, ['x'])
const wanted: Filter = { any: [{ key: 'a' }, { all: [{ hasHeader: 'h' }, { header: ['h', 'v'] }] }] }
const bounded = stream.reader({ until: 'now', only: wanted, onOutOfRange: 'earliest' })
for await (const record of bounded.follow({ endAfterMs: 5 })) console.log(record.isTombstone)
for await (const record of stream.reader({ only: (record) => record.offset > 1 }).replay({ factor: 2 })) console.log(record)
const fetched: Record[] = await bounded.fetch({ bytesMin: 100 })
const named = stream.group('h').join({ memberName: 'desk', onRevoke: (_partitions, member) => member.commitAsync() })
const worker = new StreamWorker(stream, 'g', async (record, { signal }) => console.log(record.offset, signal.aborted), { parallel: 4 })
await using loader = new StreamWorker(stream, 'l', (records) => console.log(records.length), { batch: 20, skipFailed: true })
worker.on('failed', (record: Record, error: unknown) => console.log(record, error))
console.log(where, key, last, sent, duplicate, positions, fetched, named, loader.stats().doneTotal)

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
// @ts-expect-error: no such start
stream.reader({ start: 'committed' })
// @ts-expect-error: of a batch the handler gets an array
new StreamWorker(stream, 'g', (record: Record) => record.offset, { batch: 2 })
// @ts-expect-error: receipts come from verbs
new Receipt()
// @ts-expect-error: may be null
queue.tryReceive().ack()
// @ts-expect-error: a fail needs a reason
const fail = (job: Job) => job.fail()
// @ts-expect-error: jobs come from a queue
export const made: Job = new Job()
