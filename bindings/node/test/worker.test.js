'use strict'
// Worker threads: one hub a process, competing consumers, leases of threads that end.

const assert = require('node:assert/strict')
const { execFile } = require('node:child_process')
const fs = require('node:fs')
const { once } = require('node:events')
const path = require('node:path')
const { test } = require('node:test')
const { promisify } = require('node:util')
const { open } = require('..')
const { PLAIN, code, directory, inWorker, messagesOf, until } = require('./setup.js')

const consume = ({ ringmain, parentPort, workerData }) => {
  const hub = ringmain.open(workerData)
  const queue = hub.queue('jobs')
  const ids = []
  for (let job = queue.receiveSync(500); job; job = queue.receiveSync(500)) {
    ids.push(job.id)
    job.ack()
  }
  parentPort.postMessage(ids)
  hub[Symbol.dispose]()
}

const consumeAsync = async ({ ringmain, parentPort, workerData }) => {
  const hub = ringmain.open(workerData)
  const queue = hub.queue('jobs')
  const ids = []
  for (;;) {
    const jobs = await queue.receiveMany(4, { timeoutMs: 500 })
    if (jobs.length === 0) break
    ids.push(...jobs.map((job) => job.id))
    queue.ackMany(jobs)
  }
  parentPort.postMessage(ids)
  await hub.close()
}

for (const [how, body] of [['blocking', consume], ['async', consumeAsync]]) {
  for (const kind of ['memory', 'durable']) {
    test(`${kind}: ${how} consumers in four worker threads handle each message once`, async (t) => {
      const where = kind === 'memory' ? `memory:workers-${how}` : directory()
      const hub = open(where)
      t.after(() => hub[Symbol.dispose]())
      const queue = hub.queue('jobs', PLAIN)
      const workers = Array.from({ length: 4 }, () => inWorker(body, where))
      const handled = Promise.all(workers.map(messagesOf))
      const sent = queue.sendMany(Array.from({ length: 200 }, (_, i) => `job ${i}`))
      const ids = (await handled).flat(2)
      assert.deepEqual(ids.sort((a, b) => a - b), sent)
      const { ready, scheduled, leased, ackedTotal } = queue.stats()
      assert.deepEqual({ ready, scheduled, leased, ackedTotal }, { ready: 0, scheduled: 0, leased: 0, ackedTotal: 200 })
    })
  }
}

test('the same directory by another path is the same hub, closed with its last handle', async (t) => {
  const real = directory()
  const link = path.join(directory(), 'link')
  fs.symlinkSync(real, link)
  const one = open(real)
  const two = open(path.join(link, '.'))
  one.queue('jobs', PLAIN).send('x')
  const job = two.queue('jobs').tryReceive()
  assert.equal(job.text(), 'x')
  await one.close()
  job.ack()
  assert.throws(() => one.queues(), code('CLOSED'))
  assert.deepEqual(two.queues(), ['jobs'])
  await two.close()
  const three = open(real)
  assert.equal(three.queue('jobs').tryReceive(), null)
  await three.close()
})

test('opening with another durability than the open hub\'s is refused', async (t) => {
  const where = directory()
  const hub = open(where, { durability: 'written' })
  t.after(() => hub[Symbol.dispose]())
  assert.throws(() => open(where, { durability: 'synced' }), code('INVALID_ARGUMENT'))
  const same = open(where, { durability: 'written' })
  await same.close()
})

test('memory hubs are private unless they have a name', async (t) => {
  const [one, two] = [open(), open()]
  t.after(() => [one, two].forEach((hub) => hub[Symbol.dispose]()))
  one.queue('jobs', PLAIN)
  assert.deepEqual(two.queues(), [])
  const [named, other, same] = [open('memory:a'), open('memory:b'), open('memory:a')]
  named.queue('jobs', PLAIN)
  assert.deepEqual([other.queues(), same.queues()], [[], ['jobs']])
  await Promise.all([named, other, same].map((hub) => hub.close()))
  const gone = open('memory:a')
  assert.deepEqual(gone.queues(), [])
  await gone.close()
})

test('closing one handle releases what was leased through it and leaves the others alone', async () => {
  const [one, two] = [open('memory:release'), open('memory:release')]
  const queue = two.queue('jobs', PLAIN)
  queue.sendMany(['mine', 'theirs'])
  const mine = queue.tryReceive()
  const theirs = one.queue('jobs').tryReceive()
  await one.close()
  assert.throws(() => theirs.ack(), code('CLOSED'))
  assert.equal(queue.tryReceive().text(), 'theirs')
  mine.ack()
  await two.close()
})

test('a worker that ends without settling its job gives it back', async (t) => {
  const hub = open('memory:ended')
  t.after(() => hub[Symbol.dispose]())
  const queue = hub.queue('jobs', PLAIN)
  queue.send('x')
  const worker = inWorker(({ ringmain }) => {
    globalThis.job = ringmain.open('memory:ended').queue('jobs').tryReceive()
    process.exit(globalThis.job === null ? 1 : 0)
  })
  assert.deepEqual(await once(worker, 'exit'), [0])
  const job = await queue.receive({ timeoutMs: 30_000 })
  assert.deepEqual([job.attempts, job.failures], [2, 0])
})

test('a worker can be terminated while it waits, blocking or not', async (t) => {
  const hub = open('memory:terminate')
  t.after(() => hub[Symbol.dispose]())
  const queue = hub.queue('jobs', PLAIN)
  const blocking = inWorker(({ ringmain, parentPort }) => {
    const queue = ringmain.open('memory:terminate').queue('jobs')
    parentPort.postMessage('ready')
    queue.receiveSync()
  })
  const waiting = inWorker(({ ringmain, parentPort }) => {
    ringmain.open('memory:terminate').queue('jobs').receive()
    parentPort.postMessage('ready')
  })
  await Promise.all([once(blocking, 'message'), once(waiting, 'message')])
  await Promise.all([blocking.terminate(), waiting.terminate()])
  queue.send('x')
  let job = null
  await until(() => (job = queue.tryReceive()))
  job.ack()
})

test('the addon survives the workers that loaded it', async (t) => {
  // The main thread of that process never loads the addon, so it could be unloaded with each worker.
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', `
    const { Worker } = require('node:worker_threads')
    const { once } = require('node:events')
    const body = \`
      const hub = require(${JSON.stringify(path.join(__dirname, '..'))}).open(${JSON.stringify(directory())})
      hub.queue('jobs', { onExhausted: 'drop' }).send('x')
      hub.queue('jobs').receive({ unref: true })\`
    void (async () => {
      for (let round = 0; round < 3; round++) await once(new Worker(body, { eval: true }), 'exit')
      await new Promise((resolve) => setTimeout(resolve, 100))
      console.log('alive')
    })()`])
  assert.equal(stdout, 'alive\n')
})
