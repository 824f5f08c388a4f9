'use strict'
// The verbs of a queue, in memory and on disk.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { open } = require('..')
const { PLAIN, code, directory, hubOf, inProcess, until } = require('./setup.js')

for (const kind of ['memory', 'durable']) {
  test(`${kind}: a sent message is received with all it carried, and acked once and for all`, async (t) => {
    const queue = hubOf(t, kind).queue('jobs', PLAIN)
    const before = BigInt(Date.now()) * 1_000_000n
    const id = queue.send('rebook', {
      key: 'N14228',
      headers: { carrier: 'UA', raw: Buffer.from([0, 255]) },
      eventTimeNs: 1_356_998_400_000_000_001n
    })
    assert.equal(typeof id, 'number')
    const job = queue.tryReceive()
    assert.equal(job.id, id)
    assert.deepEqual(job.value, Buffer.from('rebook'))
    assert.equal(job.text(), 'rebook')
    assert.equal(job.key.toString(), 'N14228')
    assert.deepEqual(job.headers, [['carrier', Buffer.from('UA')], ['raw', Buffer.from([0, 255])]])
    assert.equal(job.header('carrier').toString(), 'UA')
    assert.equal(job.header('nothing'), null)
    assert.equal(job.eventTimeNs, 1_356_998_400_000_000_001n)
    assert.ok(job.timeNs > before - 60_000_000_000n)
    assert.equal(job.attempts, 1)
    assert.equal(job.failures, 0)
    job.ack()
    job.ack()
    assert.equal(queue.tryReceive(), null)
    assert.equal(queue.stats().ackedTotal, 1)
  })

  test(`${kind}: the async verbs do what the blocking ones do`, async (t) => {
    const hub = hubOf(t, kind)
    const queue = hub.queue('jobs', { ...PLAIN, onExhausted: undefined, deadLetter: 'jobs.dead' })
    const id = await queue.sendAsync('one')
    const [second, third] = await queue.sendManyAsync(['two', { value: 'three', key: 'k' }])
    assert.ok(id < second && second < third)
    const jobs = queue.tryReceiveMany(10)
    assert.deepEqual(jobs.map((job) => job.text()), ['one', 'two', 'three'])
    await jobs[0].ackAsync()
    await jobs[1].extendAsync(60_000)
    await jobs[1].releaseAsync()
    await jobs[2].rejectAsync('no such flight')
    const again = queue.tryReceive()
    assert.deepEqual([again.text(), again.attempts, again.failures], ['two', 2, 0])
    await again.failAsync(new TypeError('bad row'), { delayMs: 0 })
    await until(() => queue.stats().ready === 1)
    assert.equal(queue.tryReceive().failures, 1)
    const dead = hub.queue('jobs.dead').tryReceive()
    assert.equal(dead.text(), 'three')
    await hub.flushAsync()
    hub.flush()
  })

  test(`${kind}: three failures move a message to the dead letters with its reason`, async (t) => {
    const hub = hubOf(t, kind)
    const queue = hub.queue('jobs', { maxFailures: 3, deadLetter: 'jobs.dead', retry: { baseMs: 1, jitter: 'none' } })
    queue.send('hopeless')
    for (let failures = 0; failures < 3; failures++) {
      const job = await queue.receive({ timeoutMs: 30_000 })
      assert.deepEqual([job.attempts, job.failures], [failures + 1, failures])
      job.fail(`attempt ${job.attempts} failed`)
    }
    const dead = await hub.queue('jobs.dead').receive({ timeoutMs: 30_000 })
    assert.equal(dead.text(), 'hopeless')
    assert.equal(dead.header('rm-dead-error').toString(), 'attempt 3 failed')
    assert.equal(dead.header('rm-failures').toString(), '3')
    assert.equal(queue.stats().deadTotal, 1)
    assert.equal(queue.stats().redeliveriesTotal, 2)
  })

  test(`${kind}: a delayed message is not delivered before its time`, async (t) => {
    const queue = hubOf(t, kind).queue('jobs', PLAIN)
    queue.send('later', { delayMs: 40 })
    queue.send('much later', { delayMs: 3_600_000 })
    assert.equal(queue.tryReceive(), null)
    assert.equal(queue.stats().scheduled, 2)
    assert.equal((await queue.receive({ timeoutMs: 30_000 })).text(), 'later')
    assert.equal(queue.stats().scheduled, 1)
  })

  test(`${kind}: many acks take one commit, and a lost lease fails alone`, (t) => {
    const queue = hubOf(t, kind).queue('jobs', PLAIN)
    queue.sendMany(['a', 'b', 'c'])
    const jobs = queue.tryReceiveMany(3)
    jobs[1].release()
    const [a, b, c] = queue.ackMany(jobs)
    assert.deepEqual([a, c], [null, null])
    assert.ok(code('LEASE_LOST')(b))
    assert.equal(queue.tryReceive().text(), 'b')
    assert.equal(queue.stats().ackedTotal, 2)
  })
}

test('a verb on a lease that is no longer held throws LEASE_LOST and changes nothing', (t) => {
  const queue = hubOf(t).queue('jobs', PLAIN)
  queue.send('x')
  const stale = queue.tryReceive()
  stale.release()
  const fresh = queue.tryReceive()
  for (const verb of [
    () => stale.ack(), () => stale.fail('r'), () => stale.release(), () => stale.reject('r'), () => stale.extend(1)
  ]) assert.throws(verb, code('LEASE_LOST'))
  fresh.ack()
})

test('an expired lease is delivered to somebody else', async (t) => {
  const queue = hubOf(t).queue('jobs', { ...PLAIN, leaseMs: 20 })
  queue.send('x')
  const slow = queue.tryReceive()
  const next = await queue.receive({ timeoutMs: 30_000 })
  assert.equal(next.id, slow.id)
  assert.equal(next.attempts, 2)
  assert.throws(() => slow.ack(), code('LEASE_LOST'))
})

test('peek shows waiting messages from an id on and leases nothing', (t) => {
  const queue = hubOf(t).queue('jobs', PLAIN)
  const [, second] = queue.sendMany(['a', 'b', { value: 'c', delayMs: 60_000 }])
  assert.deepEqual(queue.peek(10).map((message) => message.text()), ['a', 'b', 'c'])
  assert.deepEqual(queue.peek(10, second).map((message) => message.id)[0], second)
  assert.equal(queue.peek().length, 1)
  assert.equal(queue.stats().leased, 0)
})

test('values of a batch are separate and whole, up to the size limit', (t) => {
  const queue = hubOf(t).queue('jobs', PLAIN)
  const long = Buffer.alloc(1 << 20, 7)
  queue.send(long)
  assert.ok(queue.tryReceive().value.equals(long))
  queue.sendMany([Buffer.alloc(0), new Uint16Array([1, 2]), new Uint8Array([3]).buffer, 'é'])
  const values = queue.tryReceiveMany(9).map((job) => job.value)
  values[3][0] = 0
  assert.deepEqual(values.slice(0, 3), [Buffer.alloc(0), Buffer.from([1, 0, 2, 0]), Buffer.from([3])])
  assert.equal(values[3].length, 2)
})

test('a small value of a batch does not keep the large ones in memory', (t) => {
  const queue = hubOf(t).queue('jobs', PLAIN)
  queue.sendMany(['small', Buffer.alloc(500_000)])
  const [small] = queue.tryReceiveMany(2).map((job) => job.value)
  assert.ok(small.buffer.byteLength < 500_000)
})

test('disposing of a job releases it, unless it is settled', (t) => {
  const queue = hubOf(t).queue('jobs', PLAIN)
  queue.send('x')
  queue.tryReceive()[Symbol.dispose]()
  const job = queue.tryReceive()
  job.ack()
  job[Symbol.dispose]()
  assert.equal(queue.tryReceive(), null)
})

test('for await hands out jobs until the hub is closed, and releases what it took ahead', async (t) => {
  const name = 'memory:for-await'
  const [hub, keeper] = [open(name), open(name)]
  t.after(() => keeper[Symbol.dispose]())
  const queue = hub.queue('jobs', PLAIN)
  queue.sendMany(['a', 'b', 'c', 'd'])
  const seen = []
  for await (const job of queue.jobs({ prefetch: 3 })) {
    seen.push(job.text())
    job.ack()
    if (seen.length === 2) break
  }
  assert.equal(queue.stats().leased, 0)
  for await (const job of queue) {
    seen.push(job.text())
    job.ack()
    if (seen.length === 4) hub.close()
  }
  assert.deepEqual(seen, ['a', 'b', 'c', 'd'])
  assert.equal(keeper.queue('jobs').stats().ackedTotal, 4)
})

test('messages, leases and counts survive closing and opening again', async (t) => {
  const path = directory()
  const hub = open(path, { durability: 'synced' })
  const queue = hub.queue('jobs', { deadLetter: 'jobs.dead' })
  queue.sendMany(['acked', 'failed', 'kept'])
  const [first, second] = queue.tryReceiveMany(2)
  first.ack()
  second.fail('once', { delayMs: 0 })
  await hub.close()
  const reopened = open(path)
  t.after(() => reopened[Symbol.dispose]())
  assert.deepEqual(reopened.queues(), ['jobs', 'jobs.dead'])
  const again = reopened.queue('jobs')
  const left = again.tryReceiveMany(9)
  assert.deepEqual(left.map((job) => [job.text(), job.failures]).sort(), [['failed', 1], ['kept', 0]])
})

for (const [how, end] of [['ends', ''], ['calls process.exit', 'process.exit(0)']]) {
  test(`a process that ${how} without closing its hub loses nothing and gives back its leases`, async (t) => {
    const where = directory()
    await inProcess(`
      globalThis.queue = open(${JSON.stringify(where)}, { durability: 'relaxed' }).queue('jobs', { onExhausted: 'drop' })
      queue.sendMany(['a', 'b'])
      globalThis.job = queue.tryReceive();
      ${end}`)
    const hub = open(where)
    t.after(() => hub[Symbol.dispose]())
    const jobs = hub.queue('jobs').tryReceiveMany(9)
    assert.deepEqual(jobs.map((job) => [job.text(), job.failures]), [['a', 0], ['b', 0]])
  })
}
