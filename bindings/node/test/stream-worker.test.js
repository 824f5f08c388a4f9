'use strict'
// Workers of streams.

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { test } = require('node:test')
const { StreamWorker } = require('..')
const { code, hubOf, inProcess, until } = require('./setup.js')

const RETRY = { firstMs: 1, maxMs: 1 }
const filled = (t, kind, options, count = 100) => {
  const stream = hubOf(t, kind).stream('events', options)
  stream.appendMany(Array.from({ length: count }, (_, i) => ({ value: String(i), key: `key ${i}` })))
  return stream
}

for (const kind of ['memory', 'durable']) {
  test(`${kind}: each record is handled in the order of its partition, and committed after that`, async (t) => {
    const stream = filled(t, kind, { partitions: 4 }, 3000)
    const seen = [[], [], [], []]
    let running = 0
    let most = 0
    const worker = new StreamWorker(stream, 'g', async (record) => {
      most = Math.max(most, ++running)
      if (record.offset % 100 === 0) await new Promise(setImmediate)
      seen[record.partition].push(record.offset)
      running--
    }, { concurrency: 3 })
    await until(() => worker.stats().doneTotal === 3000)
    await worker.close()
    for (const offsets of seen) assert.deepEqual(offsets, offsets.map((_, i) => i))
    assert.ok(most > 1 && most <= 3, `${most} at a time`)
    assert.equal(stream.group('g').lag(), 0)
    assert.equal(worker.error, undefined)
  })
}

test('what fails is tried again, in order, and then skipped, handed over, or the end', async (t) => {
  const stream = filled(t, 'memory', {}, 5)
  const run = async (group, options) => {
    const seen = []
    const worker = new StreamWorker(stream, group, (record, { failures }) => {
      seen.push(`${record.text()}/${failures}`)
      if (record.text() === '2') throw new Error('no 2')
    }, { retry: RETRY, maxFailures: 3, ...options })
    await (options.maxFailures === 1 ? new Promise((resolve) => worker.once('closed', resolve)) : until(() => seen.includes('4/0')))
    await worker.close()
    return { seen, worker }
  }
  const all = ['0/0', '1/0', '2/0', '2/1', '2/2', '3/0', '4/0']
  const skipped = await run('skip', { skipFailed: true })
  assert.deepEqual([skipped.seen, skipped.worker.stats().skippedTotal], [all, 1])
  const handed = []
  const over = await run('over', { handOverTo: async (record, reason) => handed.push([record.text(), reason]) })
  assert.deepEqual([over.seen, handed, over.worker.stats().handedOverTotal], [all, [['2', 'Error: no 2']], 1])
  const ended = await run('end', { maxFailures: 1 })
  assert.ok(code('HANDLER_FAILED')(ended.worker.error))
  assert.match(ended.worker.error.cause.message, /no 2/)
  assert.deepEqual([ended.seen, stream.group('end').committed()], [['0/0', '1/0', '2/0'], [2]])
  assert.equal(stream.group('skip').lag(), 0)
})

test('side by side, one that fails holds up nothing, and is not committed', async (t) => {
  const stream = filled(t, 'memory', {}, 20)
  const seen = new Set()
  const worker = new StreamWorker(stream, 'g', async (record) => {
    if (record.text() === '0') throw new Error('not yet')
    seen.add(record.text())
  }, { concurrency: 4, parallel: 4, retry: { firstMs: 600_000, maxMs: 600_000 } })
  await until(() => seen.size === 19)
  await worker.close()
  assert.deepEqual(stream.group('g').committed(), [0])
  const again = stream.group('g').join()
  assert.deepEqual(again.pollSync().map((record) => record.text()), ['0'], 'the others are done')
})

test('batches are of one partition, full or as full as they get, and fail together', async (t) => {
  const stream = filled(t, 'memory', { partitions: 2 }, 50)
  const batches = []
  let failed = false
  const worker = new StreamWorker(stream, 'g', async (records) => {
    if (!failed) {
      failed = true
      throw new Error('once')
    }
    batches.push(records.map((record) => [record.partition, record.offset]))
  }, { batch: 8, batchWaitMs: 1, retry: RETRY })
  await until(() => worker.stats().doneTotal === 50)
  await worker.close()
  assert.equal(worker.stats().failedTotal, 8)
  for (const batch of batches) assert.ok(batch.length <= 8 && batch.every(([partition]) => partition === batch[0][0]))
  for (const partition of [0, 1]) {
    const offsets = batches.flat().filter(([of]) => of === partition).map(([, offset]) => offset)
    assert.deepEqual(offsets, offsets.map((_, i) => i))
  }
})

test('two workers of a group share the partitions, and each record is handled by one of them', async (t) => {
  const stream = filled(t, 'memory', { partitions: 4 }, 200)
  const group = () => stream.stats().groups[0]
  const seen = []
  let release
  const released = new Promise((resolve) => { release = resolve })
  const handler = async (record) => {
    seen.push(`${record.partition}/${record.offset}`)
    if (seen.length > 10) await released
  }
  const one = new StreamWorker(stream, 'g', handler)
  await until(() => seen.length > 10)
  const two = new StreamWorker(stream, 'g', handler)
  await until(() => group().members === 2)
  release()
  await until(() => group().revokingPartitions === 0 && group().idleMembers === 0)
  stream.appendMany(Array.from({ length: 100 }, (_, i) => ({ value: 'x', key: `key ${i}` })))
  await until(() => stream.group('g').lag() === 0)
  assert.ok(two.stats().doneTotal > 0)
  await one.close()
  stream.append('last')
  await until(() => stream.group('g').lag() === 0)
  await two.close()
  assert.equal(new Set(seen).size, 301)
  assert.equal(seen.length, 301, 'nothing was handled twice')
  assert.equal(one.error ?? two.error, undefined)
})

test('it pauses, goes on, and tells of what happens', async (t) => {
  const stream = filled(t, 'memory', {}, 3)
  const events = []
  const worker = new StreamWorker(stream, 'g', (record) => {
    if (record.text() === '1') throw new Error('no')
  }, { skipFailed: true, maxFailures: 1 })
  worker.pause()
  for (const name of ['completed', 'failed', 'drained', 'closed']) {
    worker.on(name, (record) => events.push(record === undefined ? name : `${name} ${record.text()}`))
  }
  await new Promise(setImmediate)
  assert.equal(worker.stats().doneTotal, 0)
  worker.resume()
  await once(worker, 'drained')
  await worker.close()
  assert.deepEqual(events, ['completed 0', 'failed 1', 'completed 2', 'drained', 'closed'])
})

test('closing waits for handlers, no longer than asked, and tells them', async (t) => {
  const stream = filled(t, 'memory', {}, 2)
  let aborted
  const worker = new StreamWorker(stream, 'g', (record, { signal }) => new Promise((resolve) => {
    signal.addEventListener('abort', () => { aborted = resolve })
  }))
  await until(() => worker.stats().running === 1)
  await assert.rejects(worker.close({ timeoutMs: 1 }), code('TIMEOUT'))
  aborted()
  await worker.close()
  assert.equal(stream.group('g').lag(), 1, 'what it returned still counts')
  const forced = new StreamWorker(stream, 'g', (record, { signal }) => once(signal, 'abort'))
  await until(() => forced.stats().running === 1)
  await forced.close({ force: true })
})

test('a hub that is closed ends its workers, and wrong options are refused', async (t) => {
  const hub = hubOf(t)
  const stream = hub.stream('events')
  const worker = new StreamWorker(stream, 'g', () => {})
  const [error] = await Promise.all([once(worker, 'error'), until(() => stream.stats().groups.length === 1).then(() => hub.close())])
  assert.ok(code('CLOSED')(error[0]))
  for (const options of [
    { concurrency: 0 }, { parallel: 2000 }, { batch: 0 }, { retry: { baseMs: 1 } }, { maxFailures: 0 }, { threads: 1 },
    { skipFailed: true, handOverTo: () => {} }, { onOutOfRange: 'x' }
  ]) {
    assert.throws(() => new StreamWorker(stream, 'g', () => {}, options), code('INVALID_ARGUMENT'), JSON.stringify(options))
  }
  assert.throws(() => new StreamWorker(stream, 'g'), code('INVALID_ARGUMENT'))
})

test('what was removed before it was read is passed over if that is said', async (t) => {
  const stream = hubOf(t).stream('events', { countMax: 2 })
  stream.append('first')
  stream.group('g').join().leave()
  stream.appendMany(['a', 'b', 'c', 'd'])
  const seen = []
  const going = new StreamWorker(stream, 'g', (record) => void seen.push(record.text()), { onOutOfRange: 'earliest' })
  await until(() => seen.length === 2)
  await going.close()
  assert.deepEqual([seen, going.stats().outOfRangeTotal], [['c', 'd'], 1])
})

test('a worker keeps the process alive, unless it is told not to', async () => {
  const script = (options) => `
    const stream = open().stream('events')
    const worker = new ringmain.StreamWorker(stream, 'g', (record) => { console.log(record.text()); worker.close() }, ${options})
    setTimeout(() => stream.append('x'), 200)`
  assert.equal((await inProcess(script('{}'))).stdout, 'x\n')
  const { stdout } = await inProcess("new ringmain.StreamWorker(open().stream('events'), 'g', () => {}, { unref: true })")
  assert.equal(stdout, '')
})

test('a lane in which a record became due just now says so, so that nobody waits for another one', () => {
  const { Lane } = require('../lib/stream/lane.js')
  for (const parallel of [1, 2]) {
    const lane = new Lane(0, { batch: 1, batchWaitMs: 0, parallel })
    lane.push({}, 0)
    const taken = lane.take(0)
    taken[0].failures++
    lane.rest(taken, 5)
    lane.ended()
    assert.deepEqual([lane.take(4), lane.next(4), lane.next(6)], [null, 5, 6])
  }
})
