'use strict'
// What is not called for each message: options, looking, cancelling, dead letters, schedules, snapshots, clocks, consumers, notices.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const ringmain = require('..')
const { PLAIN, code, directory, hubOf, until } = require('./setup.js')

const { ManualClock, onNotice, open, restore, salvage, verify } = ringmain

function manual(t) {
  const clock = new ManualClock()
  const hub = open(undefined, { clock })
  t.after(() => hub[Symbol.dispose]())
  return { clock, hub }
}

test('a manual clock stands still until it is moved, and hubs may join it later', (t) => {
  const { clock, hub } = manual(t)
  const queue = hub.queue('jobs', PLAIN)
  queue.send('later', { delayMs: 5_000 })
  clock.advance(4_999)
  assert.equal(queue.tryReceive(), null)
  clock.advance(1)
  assert.equal(queue.tryReceive().text(), 'later')
  assert.equal(clock.nowNs, 6_000_000_000n)
  assert.equal(hub.nowNs, clock.nowNs)
  const other = open(undefined, { clock })
  assert.equal(other.nowNs, clock.nowNs)
  other[Symbol.dispose]()
  clock.advance(1)
  assert.throws(() => clock.advance(-1), code('INVALID_ARGUMENT'))
  assert.throws(() => open(undefined, { clock: {} }), code('INVALID_ARGUMENT'))
})

test('options of a queue are stored and told, and null takes them away', (t) => {
  const { hub } = manual(t)
  const given = {
    leaseMs: 1500, leaseTotalMaxMs: 9000, maxFailures: 3, deadLetter: 'dead', ttlMs: 60_000, onBreach: { moveTo: 'late' },
    errorClasses: [{ name: 'BadAddress', rule: 'permanent' }], history: { windowMs: 1000, countMax: 10 }, concurrencyMax: 5,
    capacity: { messages: 10, bytes: null, overflow: 'drop_oldest' }, rate: { perSecond: 100, burst: 10 }, onGroupDeath: 'halt'
  }
  hub.queue('late', PLAIN)
  hub.queue('jobs', given)
  const info = hub.queueInfo('jobs')
  for (const [name, value] of Object.entries(given)) assert.deepEqual(info[name], value, name)
  assert.equal(info.isPaused, false)
  hub.queue('jobs', { history: null, capacity: null })
  assert.equal(hub.queueInfo('jobs').history, null)
  assert.throws(() => hub.queueInfo('nothing'), code('NOT_FOUND'))
})

test('hubs that are shared must be asked for with the options that they have', (t) => {
  const where = directory()
  const hub = open(where, { relaxedMaxMs: 50 })
  t.after(() => hub[Symbol.dispose]())
  assert.throws(() => open(where, { relaxedMaxMs: 51 }), /relaxed_max_ms|relaxedMaxMs/)
  open(where, { relaxedMaxMs: 50, durability: 'synced' })[Symbol.dispose]()
})

test('waiting messages are cancelled, rescheduled, explained; those that are out can tell', (t) => {
  const { clock, hub } = manual(t)
  const queue = hub.queue('jobs', { ...PLAIN, history: { windowMs: 60_000, countMax: 100 } })
  const [gone, moved, out] = queue.sendMany(['gone', 'moved', 'out'])
  assert.equal(queue.cancel(gone), true)
  assert.equal(queue.cancel(gone), false)
  assert.equal(queue.reschedule(moved, 5_000), true)
  assert.equal(queue.explain(moved).causes[0].cause, 'scheduled')
  assert.equal(queue.explain(moved).causes[0].dueNs, 6_000_000_000n)
  assert.equal(queue.rescheduleAt(moved, 3_000_000_000n), true)
  const job = queue.tryReceive()
  assert.equal(job.id, out)
  assert.equal(queue.cancel(out), false)
  assert.equal(job.isCancelled(), true)
  job.ack('result')
  assert.equal(queue.finished(out).result.toString(), 'result')
  assert.equal(queue.finished(out).ending, 'done')
  assert.deepEqual(queue.finishedFrom(0).map(({ ending }) => ending).sort(), ['cancelled', 'done'])
  assert.equal(typeof queue.finished(gone).finishedNs, 'bigint')
  clock.advance(2_000)
  assert.equal(queue.tryReceive().id, moved)
  assert.equal(queue.cancelNow(moved), true)
})

test('a paused queue delivers nothing, a purged one has nothing', async (t) => {
  const queue = hubOf(t).queue('jobs', PLAIN)
  queue.sendMany(['a', 'b', 'c'])
  queue.pause()
  assert.equal(queue.tryReceive(), null)
  queue.resume()
  assert.equal(queue.tryReceive().text(), 'a')
  assert.equal(await queue.purge(), 2)
  assert.equal(await queue.purgeAll(), 1)
  assert.equal(queue.stats().purgedTotal, 3)
  assert.equal(queue.desiredWorkers(1000), 0)
})

test('dead letters are looked at, sent back, exported and thrown away', async (t) => {
  const hub = hubOf(t)
  const queue = hub.queue('jobs', { deadLetter: 'dead' })
  queue.sendMany([{ value: 'a', key: 'k', headers: { h: 'v' } }, 'b', 'c'])
  for (const job of queue.tryReceiveMany(3)) job.reject(`no ${job.text()}`)
  const { deadLetters } = hub.queue('dead')
  const [first] = deadLetters.peek({ errorContains: 'no a' })
  assert.deepEqual([first.value, first.key], [Buffer.from('a'), Buffer.from('k')])
  assert.deepEqual(first.headers[0], { name: 'h', value: Buffer.from('v') })
  assert.equal(deadLetters.peek().length, 3)
  assert.equal(await deadLetters.redrive({ ids: [first.id] }), 1)
  assert.equal(queue.tryReceive().text(), 'a')
  const file = path.join(directory(), 'letters.jsonl')
  assert.equal(await deadLetters.export(file), 2)
  assert.equal(fs.readFileSync(file, 'utf8').trim().split('\n').length, 2)
  assert.equal(await deadLetters.discard({ diedBeforeNs: 1n }), 0)
  assert.equal(await deadLetters.discard(), 2)
  assert.throws(() => deadLetters.peek({ nope: 1 }), code('INVALID_ARGUMENT'))
})

test('a halted ordering key goes on when it is told, and a missed deadline is told of', (t) => {
  const { clock, hub } = manual(t)
  const queue = hub.queue('jobs', { deadLetter: 'dead', onGroupDeath: 'halt' })
  for (const value of ['a', 'b']) queue.send(value, { orderingKey: 'k' })
  queue.tryReceive().reject('no')
  const [halted] = queue.haltedGroups()
  assert.deepEqual([halted.key.toString(), halted.messages], ['k', 1])
  assert.equal(queue.resumeGroup('k'), true)
  assert.equal(queue.resumeGroup('k'), false)
  queue.setWeight('k', 5)
  const id = queue.send('late', { startWithinMs: 10 })
  clock.advance(20)
  const [missed] = queue.breaches()
  assert.deepEqual([missed.id, missed.deadline, typeof missed.timeNs], [id, 'start', 'bigint'])
})

test('a schedule sends its message each time, until it is paused or deleted', (t) => {
  const { clock, hub } = manual(t)
  const queue = hub.queue('jobs', PLAIN)
  const schedule = hub.schedule('each-minute', { cron: '* * * * *', queue, message: { value: 'tick', key: 'k', priority: 9 } })
  clock.advance(60_000)
  assert.deepEqual([queue.tryReceive().text(), queue.tryReceive()], ['tick', null])
  assert.deepEqual(hub.schedules().map(({ name, queue }) => [name, queue]), [['each-minute', 'jobs']])
  assert.equal(schedule.info().nextSlotNs, 120_000_000_000n)
  schedule.pause()
  clock.advance(60_000)
  assert.equal(queue.tryReceive(), null)
  schedule.resume()
  assert.equal(schedule.info().isPaused, false)
  schedule.delete()
  assert.deepEqual(hub.schedules(), [])
  assert.throws(() => hub.schedule('new'), code('OPTION_MISSING'))
})

test('a snapshot is a hub once more; verify, restore and salvage say what they found', async (t) => {
  const [source, parent] = [directory(), directory()]
  const hub = open(source)
  t.after(() => hub[Symbol.dispose]())
  hub.queue('jobs', PLAIN).sendMany(['a', 'b'])
  const [copy, restored, saved] = ['copy', 'restored', 'saved'].map((name) => path.join(parent, name))
  const seen = []
  const copied = await hub.snapshot(copy, { onProgress: (progress) => seen.push(progress) })
  assert.equal(copied.queues, 1)
  for (const { copiedBytes, totalBytes } of seen) assert.ok(copiedBytes <= totalBytes)
  assert.equal((await verify(copy)).isSound, true)
  assert.equal((await restore(copy, restored)).isSound, true)
  await salvage(copy, saved)
  const again = open(restored)
  t.after(() => again[Symbol.dispose]())
  assert.deepEqual(again.queue('jobs').tryReceiveMany(9).map((job) => job.text()), ['a', 'b'])
  const aborted = hub.snapshot(path.join(parent, 'no'), { signal: AbortSignal.abort(new Error('stopped')) })
  await assert.rejects(aborted, /stopped/)
  await assert.rejects(verify(path.join(parent, 'nothing')), (error) => error instanceof ringmain.RingmainError)
})

test('counts of a hub come by name, and as text for Prometheus', async (t) => {
  const hub = hubOf(t)
  hub.queue('jobs', PLAIN).send('x')
  hub.stream('events').append('x')
  const stats = hub.stats()
  assert.equal(stats.queues.jobs.ready, 1)
  assert.equal(stats.streams.events.partitions[0].end, 1)
  assert.match(hub.prometheus(), /queue_messages_ready\{queue="jobs"\} 1/)
  await hub.deleteQueue('jobs')
  await hub.deleteStream('events')
  assert.deepEqual([hub.queues(), hub.streams()], [[], []])
})

test('a consumer acks all that it handed out, and the next takes over where only one may be active', async (t) => {
  const queue = hubOf(t).queue('jobs', { ...PLAIN, singleActiveConsumer: true })
  queue.sendMany(['a', 'b', 'c', 'd'])
  assert.throws(() => queue.tryReceive(), code('INVALID_ARGUMENT'))
  const [one, two] = [queue.consumer({ prefetch: 2 }), queue.consumer()]
  const [a, b] = [await one.receive(), await one.receive()]
  one.ackUpTo(b)
  assert.equal(queue.stats().ackedTotal, 2)
  assert.throws(() => a.release(), code('LEASE_LOST'))
  assert.equal(await two.receive({ timeoutMs: 1 }), null)
  const c = await one.receive()
  c.defer()
  const waiting = two.receive()
  assert.equal(one.receiveDeferred(c.id).text(), 'c')
  one.close()
  await assert.rejects(one.receive(), code('CLOSED'))
  const seen = [(await waiting).text()]
  for await (const job of two) {
    seen.push(job.text())
    if (seen.length === 2) two.close()
  }
  assert.deepEqual(seen.sort(), ['c', 'd'])
})

test('what the core notices is told to listeners on their event loop', async (t) => {
  const { clock, hub } = manual(t)
  const heard = []
  const stop = onNotice((notice) => heard.push(notice))
  t.after(stop)
  const queue = hub.queue('jobs', { ...PLAIN, leaseMs: 1000 })
  const id = queue.send('x')
  queue.tryReceive()
  clock.advance(2_000)
  queue.tryReceive()
  assert.deepEqual(heard.filter(({ name }) => name === 'lease_expired'), [])
  await until(() => heard.some(({ name }) => name === 'lease_expired'))
  const { level, message, fields } = heard.find(({ name }) => name === 'lease_expired')
  assert.deepEqual([level, message, fields.queue, fields.id], ['warn', 'a lease ran out', 'jobs', id])
  assert.throws(() => onNotice('x'), code('INVALID_ARGUMENT'))
  assert.throws(() => onNotice(() => {}, { level: 'loud' }), code('INVALID_ARGUMENT'))
})
