'use strict'
// The other verbs of queues and jobs: options of messages, packed batches, receipts, ways to receive and to settle.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { PLAIN, code, hubOf, inProcess, until } = require('./setup.js')

const values = (jobs) => jobs.map((job) => job.text())

for (const kind of ['memory', 'durable']) {
  test(`${kind}: packed values are sent as one batch and received into the caller's memory`, (t) => {
    const queue = hubOf(t, kind).queue('jobs', PLAIN)
    const ids = queue.sendPacked(Buffer.from('-onetwothree'), Uint32Array.of(1, 4, 7, 12))
    assert.equal(ids.length, 3)
    assert.ok(ids[0] < ids[1] && ids[1] < ids[2])
    const [memory, offsets] = [Buffer.alloc(100), new Uint32Array(9)]
    const jobs = queue.receivePacked(memory, offsets)
    assert.equal(jobs.count, 3)
    assert.deepEqual([...offsets.subarray(0, 4)], [0, 3, 6, 11])
    assert.equal(memory.toString('utf8', 0, 11), 'onetwothree')
    assert.equal(queue.receivePacked(memory, offsets), null)
    assert.deepEqual(jobs.ack(0, 2), [])
    assert.deepEqual(jobs.release(2), [])
    assert.equal(queue.stats().ackedTotal, 2)
    assert.deepEqual(values(queue.tryReceiveMany(9)), ['three'])
  })

  test(`${kind}: a packed receive takes what fits and hands back what does not`, (t) => {
    const queue = hubOf(t, kind).queue('jobs', PLAIN)
    queue.sendMany(['four', 'four', 'four'])
    const offsets = new Uint32Array(9)
    assert.throws(() => queue.receivePacked(Buffer.alloc(3), offsets), code('TOO_LARGE'))
    const jobs = queue.receivePacked(Buffer.alloc(9), offsets)
    assert.equal(jobs.count, 2)
    assert.deepEqual(jobs.fail('no', 1), [])
    jobs[Symbol.dispose]()
    assert.equal(queue.stats().failuresTotal, 1)
    assert.equal(queue.stats().leased, 0)
  })

  test(`${kind}: a receipt tells when its message is durable`, async (t) => {
    const queue = hubOf(t, kind).queue('jobs', PLAIN)
    const receipt = queue.submit('x')
    assert.equal(await receipt.wait(), receipt.value)
    assert.equal(receipt.isReached(), true)
    assert.equal(await receipt.wait(), receipt.value)
    assert.equal(queue.tryReceive().id, receipt.value)
    await assert.rejects(queue.submit('y').wait({ signal: AbortSignal.abort(new Error('gone')) }), /gone/)
  })

  test(`${kind}: many sends at once all land, in order`, async (t) => {
    const queue = hubOf(t, kind).queue('jobs', PLAIN)
    const ids = await Promise.all(Array.from({ length: 200 }, (_, index) => queue.sendAsync(String(index))))
    assert.deepEqual([...ids].sort((a, b) => a - b), ids)
    assert.deepEqual(values(queue.tryReceiveMany(200)), ids.map((_, index) => String(index)))
  })

  test(`${kind}: many jobs are failed or released with one commit, on the pool too`, async (t) => {
    const queue = hubOf(t, kind).queue('jobs', PLAIN)
    queue.sendMany(['a', 'b', 'c', 'd', 'e'])
    const [a, b, c, d, e] = queue.tryReceiveMany(5)
    a.release()
    const [lost, failed] = queue.failMany([a, b], 'reason')
    assert.ok(code('LEASE_LOST')(lost))
    assert.equal(failed, null)
    assert.deepEqual(queue.releaseMany([c]), [null])
    assert.deepEqual(await queue.ackManyAsync([d, d, e]), [null, null, null])
    d.ack()
    assert.throws(() => b.ack(), code('LEASE_LOST'))
    assert.equal(queue.stats().ackedTotal, 2)
    assert.equal(queue.stats().failuresTotal, 1)
    assert.equal(queue.stats().leased, 0)
    const again = queue.tryReceiveMany(2)
    assert.deepEqual(await queue.releaseManyAsync(again), [null, null])
    assert.deepEqual(await queue.failManyAsync(queue.tryReceiveMany(2), new Error('no')), [null, null])
  })
}

test('priorities go first, ordering keys one at a time, duplicates not at all', (t) => {
  const queue = hubOf(t).queue('jobs', PLAIN)
  queue.send('low', { priority: 0 })
  queue.send('high', { priority: 9 })
  assert.deepEqual(values(queue.tryReceiveMany(9)), ['high', 'low'])
  queue.send('first', { orderingKey: 'N14228' })
  queue.send('second', { orderingKey: 'N14228' })
  const [first, ...others] = queue.tryReceiveMany(9)
  assert.deepEqual(others, [])
  first.ack()
  queue.tryReceive().ack()
  const sent = queue.sendUnique('once', { dedupKey: 'order 17' })
  assert.deepEqual(queue.sendUnique('once', { dedupKey: 'order 17' }), { id: sent.id, isDuplicate: true })
  assert.equal(sent.isDuplicate, false)
})

test('a message has its own failures, time to live and time of delivery', async (t) => {
  const queue = hubOf(t).queue('jobs', PLAIN)
  const nowNs = BigInt(Date.now()) * 1_000_000n
  queue.send('later', { deliverAtNs: nowNs + 3_600_000_000_000n })
  queue.send('short', { ttlMs: 1, delayMs: 0, durability: 'synced' })
  assert.equal(queue.stats().scheduled, 1)
  await until(() => queue.tryReceive() === null)
  queue.send('fragile', { maxFailures: 1, startWithinMs: 1000, completeWithinMs: 1000, completeByNs: nowNs + 3_600_000_000_000n })
  queue.tryReceive().fail('once is enough')
  assert.equal(queue.tryReceive(), null)
})

test('message options out of range are INVALID_ARGUMENT and nothing is sent', (t) => {
  const queue = hubOf(t).queue('jobs', PLAIN)
  for (const options of [
    { priority: 10 }, { priority: -1 }, { priority: 1.5 }, { maxFailures: 0 }, { ttlMs: 0 }, { ttlMs: -1 }, { startWithinMs: 0 },
    { completeByNs: 1 }, { deliverAtNs: -1n }, { durability: 'sure' }, { orderingKey: 7 }, { dedupKey: null }, { tll: 1 }
  ]) {
    assert.throws(() => queue.send('x', options), code('INVALID_ARGUMENT'), JSON.stringify(options, (_, v) => String(v)))
  }
  for (const [bytes, offsets] of [
    ['x', Uint32Array.of(0, 1)], [Buffer.from('x'), [0, 1]], [Buffer.from('x'), Uint32Array.of(0, 2)],
    [Buffer.from('xyz'), Uint32Array.of(2, 1)], [Buffer.from('x'), new Uint32Array(0)]
  ]) assert.throws(() => queue.sendPacked(bytes, offsets), code('INVALID_ARGUMENT'))
  assert.throws(() => queue.receivePacked(Buffer.alloc(9), new Uint32Array(1)), code('INVALID_ARGUMENT'))
  const shared = new ArrayBuffer(64)
  queue.send('y')
  assert.throws(() => queue.receivePacked(new Uint8Array(shared), new Uint32Array(shared)), code('INVALID_ARGUMENT'))
  assert.equal(queue.tryReceive().text(), 'y')
  assert.equal(queue.stats().sentTotal, 1)
})

test('a deferred job comes back only by its id, a rate limited one after its time, an extended one stays', async (t) => {
  const queue = hubOf(t).queue('jobs', { ...PLAIN, leaseMs: 60_000 })
  const id = queue.send('early')
  const early = queue.tryReceive()
  assert.equal(early.isCancelled(), false)
  early.defer()
  assert.equal(queue.tryReceive(), null)
  assert.equal(queue.receiveDeferred(id + 1), null)
  const job = queue.receiveDeferred(id)
  assert.deepEqual([job.text(), job.attempts], ['early', 2])
  job.rateLimited(10)
  assert.equal(queue.tryReceive(), null)
  const again = await queue.receive({ timeoutMs: 30_000 })
  await again.extendAsync(60_000)
  await again.deferAsync()
  await queue.receiveDeferred(id).rateLimitedAsync(1)
  assert.equal((await queue.receive()).failures, 0)
})

test('a fail with a class and a delay is refused, as is a result where no history is kept', (t) => {
  const queue = hubOf(t).queue('jobs', PLAIN)
  queue.send('x')
  const job = queue.tryReceive()
  assert.throws(() => job.fail('r', { class: 'BadAddress', delayMs: 1 }), code('INVALID_ARGUMENT'))
  assert.throws(() => job.ack('result'), code('OPTION_MISSING'))
  assert.throws(() => job.ack(Buffer.alloc(5000)), code('TOO_LARGE'))
  job.fail('r', { class: 'BadAddress' })
  assert.equal(queue.stats().failuresTotal, 1)
})

test('a receive may wait for several messages, stop at a size, and lease for its own time', async (t) => {
  const queue = hubOf(t).queue('jobs', PLAIN)
  const waiting = queue.receiveMany(10, { countMin: 3 })
  queue.send('a')
  setTimeout(() => queue.sendMany(['b', 'c']), 5)
  assert.deepEqual(values(await waiting), ['a', 'b', 'c'])
  queue.sendMany(['aa', 'bb', 'cc'])
  assert.deepEqual(values(queue.receiveManySync(10, 0, { bytesMax: 4 })), ['aa', 'bb'])
  const [short] = await queue.receiveMany(1, { leaseMs: 5 })
  assert.equal((await queue.receive()).id, short.id)
  assert.deepEqual(queue.receiveManySync(1, 1, { countMin: 1 }), [])
  await assert.rejects(queue.receiveMany(1, { leaseMs: 5, countMin: 1 }), code('INVALID_ARGUMENT'))
  await assert.rejects(queue.receiveMany(9, { countMin: 2, signal: AbortSignal.timeout(5) }), { name: 'TimeoutError' })
})

test('values of every size come out whole from the pool', (t) => {
  const queue = hubOf(t).queue('jobs', PLAIN)
  const sent = []
  for (let bytes = 0; bytes < 900_000; bytes = bytes * 2 + 7) sent.push(Buffer.alloc(bytes, sent.length))
  for (let round = 0; round < 20; round++) {
    for (const value of sent) queue.send(value, round % 2 ? { key: 'k', headers: { h: value.subarray(0, 9) } } : undefined)
    const jobs = round % 3 ? queue.tryReceiveMany(99) : sent.map(() => queue.tryReceive())
    jobs.forEach((job, index) => {
      assert.ok(job.value.equals(sent[index]))
      assert.equal(job.text().length, sent[index].length)
      job.ack()
    })
  }
  assert.equal(queue.stats().ackedTotal, 20 * sent.length)
})

test('texts are UTF-8 however long they are', (t) => {
  const queue = hubOf(t).queue('jobs', PLAIN)
  for (const text of ['', 'é', '\u{1F6EB}'.repeat(10_000), 'x'.repeat(21_000), 'x'.repeat(70_000)]) {
    queue.send(text)
    assert.equal(queue.tryReceive().text(), text)
  }
})

test('jobs and packed jobs that are garbage collected are released, settled ones leave nothing', async () => {
  const { stdout } = await inProcess(`
    const queue = open().queue('jobs', { onExhausted: 'drop', leaseMs: 3_600_000 })
    queue.sendMany(['a', 'b', 'c', 'd'])
    ;(() => { queue.tryReceive(); queue.receivePacked(Buffer.alloc(9), new Uint32Array(4)) })()
    const look = setInterval(() => {
      gc()
      if (queue.stats().leased > 0) return
      clearInterval(look)
      console.log(queue.tryReceiveMany(9).map((job) => job.text()).join(''))
    }, 10)`, '--expose-gc')
  assert.equal(stdout, 'abcd\n')
})
