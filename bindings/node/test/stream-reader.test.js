'use strict'
// Readers: where they end, what they want, how much they take, at which pace.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { code, hubOf, inProcess } = require('./setup.js')

const texts = (records) => Array.from(records, (record) => record.text())
const collected = async (records) => {
  const all = []
  for await (const record of records) all.push(record.text())
  return all
}

test('a reader ends where it is told to, and waits for nothing then', async (t) => {
  const stream = hubOf(t).stream('events')
  stream.appendMany(['a', 'b'])
  const now = stream.reader({ until: 'now' })
  const third = stream.reader({ until: { offset: 3 } })
  stream.append('c')
  assert.deepEqual(await collected(now), ['a', 'b'])
  assert.equal(now.isDone, true)
  assert.deepEqual([await now.poll(), now.pollSync(1, 600_000)], [[], []])
  assert.deepEqual(await collected(third.follow()), ['a', 'b', 'c'])
  const fourth = stream.reader({ start: { offset: 3 }, until: { offset: 4 } })
  const waiting = collected(fourth)
  stream.append('d')
  assert.deepEqual(await waiting, ['d'])
  assert.deepEqual(await collected(stream.reader({ until: { timeNs: 0n } })), [])
  for (const until of ['later', {}, { offset: 1, timeNs: 1n }, { offset: -1 }]) {
    assert.throws(() => stream.reader({ until }), code('INVALID_ARGUMENT'))
  }
})

test('a reader hands out what its filter wants', async (t) => {
  const stream = hubOf(t).stream('flights')
  stream.appendMany([
    { value: 'a', key: 'UA1', headers: { from: 'EWR' } },
    { value: 'b', key: 'UA1', headers: { from: 'IAH' } },
    { value: 'c', key: 'B6', headers: { from: 'EWR', late: '' } },
    'd'
  ])
  const of = (only) => texts(stream.reader({ only }))
  assert.deepEqual(of({ key: 'UA1' }), ['a', 'b'])
  assert.deepEqual(of({ keys: ['B6', Buffer.from('UA1')] }), ['a', 'b', 'c'])
  assert.deepEqual(of({ hasHeader: 'late' }), ['c'])
  assert.deepEqual(of({ header: ['from', 'EWR'] }), ['a', 'c'])
  assert.deepEqual(of({ all: [{ key: 'UA1' }, { header: ['from', 'EWR'] }] }), ['a'])
  assert.deepEqual(of({ any: [{ key: 'B6' }, { header: ['from', 'IAH'] }] }), ['b', 'c'])
  assert.deepEqual(of({ all: [] }), ['a', 'b', 'c', 'd'])
  assert.deepEqual(of({ any: [] }), [])
  assert.deepEqual(of((record) => record.text() > 'b'), ['c', 'd'])
  assert.deepEqual(await collected(stream.reader({ only: { key: 'B6' }, until: 'now' })), ['c'])
  const deep = (depth) => (depth === 0 ? { key: 'k' } : { all: [deep(depth - 1)] })
  assert.deepEqual(of(deep(15)), [])
  for (const only of [{}, { key: 1 }, { key: 'a', any: [] }, { keys: 'a' }, { header: ['a'] }, deep(16), deep(100), 'key', null]) {
    assert.throws(() => stream.reader({ only }), code('INVALID_ARGUMENT'))
  }
})

test('a record that is wanted is found behind more than one look takes, by waiting and by blocking', async (t) => {
  const stream = hubOf(t).stream('events')
  for (let i = 0; i < 3; i++) stream.appendMany(Array(50_000).fill('x'))
  stream.append('wanted', { key: 'k' })
  for (const only of [{ key: 'k' }, (record) => record.text() === 'wanted']) {
    assert.deepEqual(texts(await stream.reader({ only }).poll(10, { timeoutMs: 60_000 })), ['wanted'])
    assert.deepEqual(texts(stream.reader({ only })), ['wanted'])
    assert.deepEqual(texts(stream.reader({ only }).pollSync(10, 60_000)), ['wanted'])
  }
})

test('a fetch takes so many bytes and records, and waits for that no longer than asked', async (t) => {
  const stream = hubOf(t).stream('events')
  stream.appendMany(Array(700).fill('EWR'))
  const reader = stream.reader()
  assert.equal((await reader.fetch()).length, 500)
  assert.equal((await reader.fetch({ bytesMax: 100 })).length, 3, 'each has 24 bytes beside its value')
  assert.equal((await reader.fetch({ countMax: 7 })).length, 7)
  assert.equal((await reader.fetch({ bytesMax: 1 })).length, 1, 'a first record that has more is taken all the same')
  assert.equal((await reader.fetch({ bytesMin: 2 ** 20, timeoutMs: 5 })).length, 189)
  const fetched = reader.fetch({ bytesMin: 54, timeoutMs: 60_000 })
  stream.append('EWR')
  await stream.appendAsync('IAH')
  assert.equal((await fetched).length, 2)
  const stopped = new AbortController()
  const abandoned = reader.fetch({ timeoutMs: 60_000, signal: stopped.signal })
  stopped.abort(new Error('enough'))
  await assert.rejects(abandoned, /enough/)
  for (const options of [{ bytesMin: 0 }, { bytesMin: 2, bytesMax: 1 }, { countMax: 0 }, { timeoutMs: -1 }, { count: 1 }]) {
    await assert.rejects(reader.fetch(options), code('INVALID_ARGUMENT'), JSON.stringify(options))
  }
})

test('what does not fit any more into a fetch is handed out by the next', async (t) => {
  const stream = hubOf(t).stream('events')
  const reader = stream.reader()
  const fetched = reader.fetch({ bytesMin: 100, bytesMax: 100, timeoutMs: 60_000 })
  await stream.appendAsync('small')
  await new Promise(setImmediate)
  stream.append('x'.repeat(200))
  assert.deepEqual((await fetched).map(({ value }) => value.length), [5])
  assert.deepEqual((await reader.fetch()).map(({ value }) => value.length), [200])
})

test('a batch waits for more once it has begun, and a full one does not', async (t) => {
  const stream = hubOf(t).stream('events')
  stream.appendMany(Array(30).fill('EWR'))
  const reader = stream.reader()
  assert.equal((await reader.pollBatch(20, { fillMs: 600_000 })).length, 20)
  assert.equal((await reader.pollBatch(20)).length, 10)
  const filled = reader.pollBatch(3, { fillMs: 600_000 })
  for (const value of 'abc') await stream.appendAsync(value)
  assert.deepEqual(texts(await filled), ['a', 'b', 'c'])
  const cut = new AbortController()
  stream.append('d')
  const begun = reader.pollBatch(3, { fillMs: 600_000, signal: cut.signal })
  await new Promise(setImmediate)
  cut.abort()
  assert.deepEqual(texts(await begun), ['d'], 'what it has is not lost')
  assert.deepEqual(await reader.pollBatch(3, { fillMs: 5, timeoutMs: 1 }), [])
})

test('a reader whose place was removed says so, again and again or once', async (t) => {
  const stream = hubOf(t).stream('events', { countMax: 2 })
  const [failing, going, latest] = ['fail', 'earliest', 'latest'].map((onOutOfRange) => stream.reader({ onOutOfRange }))
  stream.appendMany(['a', 'b', 'c', 'd'])
  assert.throws(() => failing.pollSync(), code('OUT_OF_RANGE'))
  await assert.rejects(failing.poll(), code('OUT_OF_RANGE'))
  failing.seek(0, 3)
  assert.deepEqual(texts(failing), ['d'])
  await assert.rejects(going.poll(), code('OUT_OF_RANGE'))
  assert.deepEqual(texts(await going.poll()), ['c', 'd'])
  assert.throws(() => latest.pollSync(), code('OUT_OF_RANGE'))
  assert.deepEqual([latest.pollSync(), latest.lag()], [[], 0])
  assert.equal(stream.stats().outOfRangeTotal, 3)
  assert.throws(() => stream.reader({ onOutOfRange: 'skip' }), code('INVALID_ARGUMENT'))
})

test('following ends with its signal, its time, or the reader', async (t) => {
  const stream = hubOf(t).stream('events')
  stream.appendMany(['a', 'b'])
  assert.deepEqual(await collected(stream.reader().follow({ endAfterMs: 5 })), ['a', 'b'])
  const stop = new AbortController()
  const followed = collected(stream.reader().follow({ signal: stop.signal }))
  stop.abort(new Error('enough'))
  await assert.rejects(followed, /enough/)
  const reader = stream.reader({ start: 'latest' })
  const closed = collected(reader)
  await reader[Symbol.asyncDispose]()
  assert.deepEqual(await closed, [])
})

test('a replay hands records out in the order of their times, at their pace', async (t) => {
  const hub = hubOf(t)
  const stream = hub.stream('events', { partitions: 3 })
  const minute = 60_000_000_000n
  const order = [4, 0, 2, 1, 3]
  for (const n of order) stream.appendTo(n % 3, String(n), { eventTimeNs: BigInt(n) * minute })
  const reader = stream.reader()
  const replay = reader.replay({ timeOf: 'event', factor: 1e9 })
  await assert.rejects(reader.poll(), code('CLOSED'))
  assert.deepEqual(await collected(replay), ['0', '2', '3', '4', '1'], 'by time across partitions, by offset in each')
  const slow = stream.reader({ partition: 1 }).replay({ timeOf: 'event', factor: 1 })[Symbol.asyncIterator]()
  assert.equal((await slow.next()).value.text(), '4', 'the first one comes at once')
  await slow.return()
  const gaps = stream.reader({ partition: 2 }).replay({ timeOf: 'event', gapMaxMs: 1 })
  assert.deepEqual(await collected(gaps), ['2'])
  const stop = new AbortController()
  stream.appendTo(2, 'late', { eventTimeNs: 600n * minute })
  const waiting = collected(stream.reader({ partition: 2 }).replay({ timeOf: 'event', signal: stop.signal }))
  stop.abort(new Error('enough'))
  await assert.rejects(waiting, /enough/)
  for (const options of [{ factor: 0 }, { factor: NaN }, { timeOf: 'ever' }, { gapMaxMs: -1 }, { pace: 1 }]) {
    assert.throws(() => stream.reader().replay(options), code('INVALID_ARGUMENT'), JSON.stringify(options))
  }
  const endless = collected(stream.reader({ partition: 2 }).replay({ timeOf: 'event' }))
  await hub.close()
  assert.deepEqual((await endless).length <= 1, true)
})

test('records of small polls stay what they were while others are polled', (t) => {
  const stream = hubOf(t).stream('events')
  stream.appendMany(Array.from({ length: 5000 }, (_, i) => ({ value: `value ${i}`, key: `key ${i}`, headers: { n: String(i) } })))
  const reader = stream.reader()
  const records = []
  for (let got = reader.pollSync(3); got.length > 0; got = reader.pollSync(3)) records.push(...got)
  records.forEach((record, i) => {
    assert.deepEqual([record.text(), String(record.key), String(record.header('n'))], [`value ${i}`, `key ${i}`, String(i)])
  })
  stream.append(Buffer.alloc(2 ** 20 - 100, 7))
  const [large] = reader.pollSync(3)
  assert.equal(large.value.length, 2 ** 20 - 100)
  assert.equal(large.value.every((byte) => byte === 7), true)
})

test('a replay that nobody waits for does not keep the process alive', async () => {
  const { stdout } = await inProcess(`
    const stream = open().stream('events')
    stream.append('a', { eventTimeNs: 0n })
    stream.append('b', { eventTimeNs: 3_600_000_000_000n })
    const replay = stream.reader().replay({ timeOf: 'event', unref: true })
    replay.next().then(({ value }) => { console.log(value.text()); replay.next() })`)
  assert.match(stdout, /^(a\n)?$/)
})

test('what a predicate throws loses no record: those before come first, and it is asked again', async (t) => {
  const stream = hubOf(t).stream('events')
  stream.appendMany(['a', 'b', 'c'])
  const failing = (count) => (record) => {
    if (record.text() === 'b' && count-- > 0) throw new Error('not now')
    return true
  }
  const reader = stream.reader({ only: failing(2) })
  assert.deepEqual(texts(await reader.poll()), ['a'])
  await assert.rejects(reader.poll(), /not now/)
  assert.deepEqual(texts(await reader.poll(1)), ['b'])
  assert.deepEqual(texts(await reader.poll()), ['c'])
  const blocking = stream.reader({ only: failing(2) })
  assert.deepEqual(texts(blocking.pollSync()), ['a'])
  assert.throws(() => blocking.pollSync(), /not now/)
  blocking.seek(0, 2)
  assert.deepEqual(texts(blocking.pollSync()), ['c'])
})
