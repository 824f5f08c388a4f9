'use strict'
// Workers: settling by how handlers end, limits, events, closing, and leases that a busy event loop does not lose.

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { test } = require('node:test')
const { Worker, open } = require('..')
const { PLAIN, code, directory, hubOf, inProcess, inWorker, messagesOf, until } = require('./setup.js')

for (const kind of ['memory', 'durable']) {
  test(`${kind}: each job is acked when its handler returns and failed when it throws`, async (t) => {
    const hub = hubOf(t, kind)
    const queue = hub.queue('jobs', { ...PLAIN, onExhausted: undefined, deadLetter: 'dead', maxFailures: 2 })
    queue.sendMany(['a', 'bad', 'b'])
    const [completed, failed] = [[], []]
    const worker = new Worker(queue, async (job) => {
      if (job.text() === 'bad') throw new Error('bad row')
      return job.text().toUpperCase()
    }, { concurrency: 2 })
    worker.on('completed', (job, result) => completed.push([job.text(), result]))
    worker.on('failed', (job, error) => failed.push(error.message))
    await until(() => hub.stats().queues.jobs.deadTotal === 1 && completed.length === 2)
    await worker.close()
    assert.deepEqual(completed.sort(), [['a', 'A'], ['b', 'B']])
    assert.deepEqual(failed, ['bad row', 'bad row'])
    assert.equal(queue.stats().ackedTotal, 2)
    assert.equal(hub.queue('dead').tryReceive().header('rm-dead-error').toString(), 'Error: bad row')
  })
}

test('no more handlers run than concurrency says, and what is ahead is handed back on close', async (t) => {
  const queue = hubOf(t).queue('jobs', PLAIN)
  queue.sendMany(Array.from({ length: 10 }, (_, index) => String(index)))
  const release = []
  const worker = new Worker(queue, () => new Promise((resolve) => release.push(resolve)), { concurrency: 3, prefetch: 2 })
  await until(() => queue.stats().leased === 5)
  assert.equal(release.length, 3)
  assert.equal(worker.running, 3)
  const closing = worker.close()
  await until(() => queue.stats().leased === 3)
  for (const resolve of release) resolve()
  await closing
  assert.deepEqual([queue.stats().ackedTotal, queue.stats().leased, queue.stats().ready], [3, 0, 7])
  assert.equal(release.length, 3)
})

test('a worker tells when there is no more to do, and goes on when there is', async (t) => {
  const queue = hubOf(t).queue('jobs', PLAIN)
  queue.sendMany(['a', 'b'])
  const worker = new Worker(queue, async () => {})
  t.after(() => worker.close())
  await once(worker, 'drained')
  assert.equal(queue.stats().ackedTotal, 2)
  queue.send('c')
  await once(worker, 'drained')
  assert.equal(queue.stats().ackedTotal, 3)
})

test('a paused worker takes nothing until it is resumed', async (t) => {
  const queue = hubOf(t).queue('jobs', PLAIN)
  queue.send('a')
  const worker = new Worker(queue, () => {}, { paused: true })
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(queue.stats().ready, 1)
  worker.resume()
  await once(worker, 'completed')
  worker.pause()
  assert.equal(worker.isPaused, true)
  queue.send('b')
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(queue.stats().ready, 1)
  await worker.close()
})

test('a handler that takes too long fails its job, and hears of it by its signal', async (t) => {
  const queue = hubOf(t).queue('jobs', { ...PLAIN, maxFailures: 1 })
  queue.send('slow')
  const worker = new Worker(queue, (job, { signal }) => once(signal, 'abort'), { timeoutMs: 5 })
  const [job, error] = await once(worker, 'failed')
  assert.ok(code('TIMEOUT')(error))
  assert.equal(job.text(), 'slow')
  assert.equal(queue.stats().failuresTotal, 1)
  await worker.close()
})

test('close with force aborts handlers and hands their jobs back', async (t) => {
  const queue = hubOf(t).queue('jobs', PLAIN)
  queue.send('x')
  let aborted
  const worker = new Worker(queue, (job, { signal }) => new Promise(() => {
    signal.addEventListener('abort', () => { aborted = signal.reason })
  }))
  await until(() => worker.running === 1)
  await worker.close(true)
  assert.ok(code('CLOSED')(aborted))
  const again = queue.tryReceive()
  assert.deepEqual([again.text(), again.failures], ['x', 0])
})

test('a job that is cancelled while it runs aborts its signal', async (t) => {
  const queue = hubOf(t).queue('jobs', PLAIN)
  const id = queue.send('x')
  const worker = new Worker(queue, (job, { signal }) => once(signal, 'abort'), { stallMs: 30_000 })
  await until(() => worker.running === 1)
  queue.cancel(id)
  await once(worker, 'completed')
  await worker.close()
})

test('a blocked event loop loses no lease, unless it is blocked for longer than stallMs', async (t) => {
  const where = directory()
  const script = (options) => `
    const { Worker } = ringmain
    const hub = open(${JSON.stringify(where)})
    const queue = hub.queue('jobs', { onExhausted: 'drop', leaseMs: 100, retry: { baseMs: 0, capMs: 0 } })
    queue.send('x')
    const worker = new Worker(queue, (job) => {
      const end = Date.now() + 700
      while (Date.now() < end);
    }, ${options})
    const end = async (word) => { worker.removeAllListeners(); console.log(word, queue.stats().leasesExpiredTotal > 0); await worker.close(true); await queue.purgeAll(); await hub.close() }
    worker.once('completed', () => end('completed'))
    worker.once('stalled', () => end('stalled'))`
  assert.equal((await inProcess(script('{}'))).stdout, 'completed false\n')
  assert.equal((await inProcess(script('{ stallMs: 200 }'))).stdout, 'stalled true\n')
})

test('a class of an error decides what becomes of its job, and results are kept if asked', async (t) => {
  const hub = hubOf(t)
  const queue = hub.queue('jobs', {
    deadLetter: 'dead', errorClasses: [{ name: 'BadAddress', rule: 'permanent' }], history: { windowMs: 60_000, countMax: 10 }
  })
  queue.send('bad')
  const good = queue.send('good')
  const handler = (job) => {
    if (job.text() === 'bad') throw Object.assign(new Error('nobody'), { code: 'BadAddress' })
    return { answer: 42 }
  }
  const worker = new Worker(queue, handler, { classify: (error) => error.code, keepResults: true })
  await once(worker, 'completed')
  assert.equal(queue.finished(good).result.toString(), '{"answer":42}')
  assert.equal(hub.queue('dead').tryReceive().text(), 'bad')
  await worker.close()
})

test('closing the hub ends its workers, and an aborted signal closes one', async () => {
  const hub = open()
  const worker = new Worker(hub.queue('jobs', PLAIN), () => {})
  const controller = new AbortController()
  const other = new Worker(hub.queue('more', PLAIN), () => {}, { signal: controller.signal })
  controller.abort()
  await once(other, 'closed')
  const closed = once(worker, 'closed')
  await hub.close()
  await closed
  assert.equal(worker.isClosed, true)
})

test('workers in many threads share one hub, and each job is done once', async (t) => {
  const hub = open('memory:workers')
  t.after(() => hub[Symbol.dispose]())
  const queue = hub.queue('jobs', PLAIN)
  queue.sendMany(Array.from({ length: 500 }, (_, index) => String(index)))
  const threads = Array.from({ length: 3 }, () => inWorker(({ ringmain, parentPort }) => {
    const queue = ringmain.open('memory:workers').queue('jobs')
    const worker = new ringmain.Worker(queue, (job) => job.text(), { concurrency: 8 })
    const look = setInterval(() => {
      if (queue.stats().ready > 0 || worker.running > 0) return
      clearInterval(look)
      worker.close()
    }, 5)
    worker.on('completed', (job, result) => parentPort.postMessage(result))
  }))
  const seen = (await Promise.all(threads.map(messagesOf))).flat()
  assert.equal(new Set(seen).size, seen.length)
  assert.equal(queue.stats().ackedTotal, seen.length)
})

test('a worker keeps the process alive unless it is unref', async () => {
  const script = (options) => `
    const queue = open().queue('jobs', { onExhausted: 'drop' })
    const worker = new ringmain.Worker(queue, (job) => { console.log(job.text()); worker.unref() }, ${options})
    setTimeout(() => queue.send('late'), 50).unref()`
  assert.equal((await inProcess(script('{}'))).stdout, 'late\n')
  assert.equal((await inProcess(script('{ unref: true }'))).stdout, '')
})

test('wrong options of a worker are INVALID_ARGUMENT', (t) => {
  const queue = hubOf(t).queue('jobs', PLAIN)
  for (const make of [
    () => new Worker({}, () => {}), () => new Worker(queue), () => new Worker(queue, () => {}, { concurrency: 0 }),
    () => new Worker(queue, () => {}, { prefetch: -1 }), () => new Worker(queue, () => {}, { timeoutMs: 0 }),
    () => new Worker(queue, () => {}, { attempts: 5 }), () => new Worker(queue, () => {}, { signal: 1 })
  ]) assert.throws(make, code('INVALID_ARGUMENT'))
})
