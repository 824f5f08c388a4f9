// Step 3 of the flights pipeline: four worker threads compete for the queue `rebook`.
//
//   node main.mjs HUB_DIRECTORY
//
// A flight that never arrived cannot be rebooked by itself: its task fails each time it is tried, and after as many
// failures as the queue allows it is a dead letter. Every other task is acked. The step ends when the queue is
// drained, with one line of JSON on stdout.

import { existsSync } from 'node:fs'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { open } from 'ringmain'

const QUEUE = 'rebook'
const WORKER_COUNT = 4
const BATCH_COUNT = 16
const IDLE_MS = 20

const waiting = ({ ready, scheduled, leased }) => ready + scheduled + leased

// Why a flight cannot be rebooked, or null if it can.
function refusal(job) {
  try {
    return job.json().arr_delay === null ? 'no arrival delay: it never arrived' : null
  } catch (error) {
    return `not JSON: ${error.message}`
  }
}

// One worker: leases tasks and settles them until the queue is drained.
async function work(directory) {
  const hub = open(directory)
  const queue = hub.queue(QUEUE)
  const counts = { handled: 0, acked: 0, failed: 0, redelivered: 0 }
  for (;;) {
    const jobs = await queue.receiveMany(BATCH_COUNT, { timeoutMs: IDLE_MS })
    if (jobs.length === 0 && waiting(queue.stats()) === 0) break
    const done = []
    for (const job of jobs) {
      counts.handled += 1
      if (job.attempts > 1) counts.redelivered += 1
      const reason = refusal(job)
      if (reason === null) {
        done.push(job)
      } else {
        job.fail(reason)
        counts.failed += 1
      }
    }
    for (const error of queue.ackMany(done)) {
      if (error) console.error(`not acked, somebody else will be given it: ${error.message}`)
      else counts.acked += 1
    }
  }
  await hub.close()
  return counts
}

// The counts of a worker thread when it has ended.
function start(directory) {
  const worker = new Worker(new URL(import.meta.url), { workerData: directory })
  return new Promise((resolve, reject) => {
    let counts
    worker.on('message', (message) => (counts = message))
    worker.on('error', reject)
    worker.on('exit', () => resolve(counts))
  })
}

async function main(directory) {
  if (directory === undefined) throw new Error('usage: node main.mjs HUB_DIRECTORY')
  if (!existsSync(directory)) throw new Error(`hub directory ${directory} does not exist; run the earlier steps first`)
  const started = performance.now()
  const hub = open(directory)
  const queue = hub.queue(QUEUE)
  const before = queue.stats()
  const tasks = waiting(before)
  console.error(`${tasks} tasks in ${QUEUE}, ${WORKER_COUNT} worker threads`)

  const workers = await Promise.all(Array.from({ length: WORKER_COUNT }, () => start(directory)))

  const total = (name) => workers.reduce((sum, counts) => sum + counts[name], 0)
  const result = {
    step: 'node',
    tasks,
    acked: total('acked'),
    failed: total('failed'),
    dead: queue.stats().deadTotal - before.deadTotal,
    redelivered: total('redelivered'),
    workers: workers.map(({ handled }) => handled),
    seconds: Math.round(performance.now() - started) / 1000
  }
  await hub.close()
  console.error(`${result.acked} acked, ${result.dead} dead after ${result.failed} failures, ` +
    `${result.redelivered} redelivered, by worker ${result.workers.join(' ')}`)
  console.log(JSON.stringify(result))
}

if (isMainThread) {
  try {
    await main(process.argv[2])
  } catch (error) {
    console.error(`node: ${error.message}`)
    process.exitCode = 1
  }
} else {
  parentPort.postMessage(await work(workerData))
}
