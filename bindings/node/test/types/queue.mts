// Compiled, never run: hubs, queues and workers in full.
import { ManualClock, Worker, onNotice, open, restore, verify } from 'ringmain'
import type { Explanation, Finished, Job, PackedJobs, QueueInfo, Report, Sent } from 'ringmain'

await using hub = open(undefined, { clock: new ManualClock(), relaxedMaxMs: 10 })
const queue = hub.queue('jobs', {
  deadLetter: 'dead', capacity: { messages: 10, overflow: 'drop_oldest' }, onBreach: { escalateTo: 'late' }, dedup: null,
  history: { windowMs: 1000, countMax: 10 }, rate: { perSecond: 5 }
})
const sent: Sent = queue.sendUnique('x', { dedupKey: 'k', priority: 9, completeByNs: 1n, durability: 'synced' })
const ids: Float64Array = queue.sendPacked(new Uint8Array(3), new Uint32Array(2))
const packed: PackedJobs | null = queue.receivePacked(new Uint8Array(3), new Uint32Array(2))
packed?.fail('x', 0, 1)[0]?.index.toFixed()
const finished: Finished | null = queue.finished(sent.id)
const explanation: Explanation = queue.explain(sent.id)
const info: QueueInfo = hub.queueInfo('jobs')
const redriven: number = await queue.deadLetters.redrive({ diedFromNs: 1n }, { perSecond: 5 })
const worker = new Worker(queue, async (job: Job, { signal }) => `${job.id} ${signal.aborted}`, { concurrency: 2 })
worker.on('failed', (job, error) => console.log(job.id, error.message)).on('drained', () => worker.unref())
await worker.close(true)
using consumer = queue.consumer({ prefetch: 8 })
for await (const job of consumer) consumer.ackUpTo(job)
hub.schedule('nightly', { cron: '0 3 * * *', queue, message: { value: 'x', priority: 1 }, missed: { all: { max: 3 } } }).pause()
const report: Report = await verify('data')
onNotice(({ name, fields }) => console.log(name, fields['queue']), { level: 'warn' })()
console.log(ids, finished?.result, explanation.text, info.isPaused, redriven, report.text, await restore('a', 'b'))

// @ts-expect-error: no such policy
hub.queue('jobs', { capacity: { overflow: 'explode' } })
// @ts-expect-error: events have names
worker.on('finished', () => {})
