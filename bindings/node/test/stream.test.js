'use strict'
// Streams: appending, readers, consumer groups.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { open } = require('..')
const { code, directory, hubOf } = require('./setup.js')

const texts = (records) => Array.from(records, (record) => record.text())

for (const kind of ['memory', 'durable']) {
  test(`${kind}: records are read in order with all they carried, by any number of readers`, async (t) => {
    const stream = hubOf(t, kind).stream('events')
    assert.equal(stream.partitions, 1)
    const first = stream.append('a', { key: 'k', headers: [['h', '1'], ['h', '2']], eventTimeNs: 5n })
    assert.deepEqual(Object.keys(first), ['partition', 'offset'])
    const rest = stream.appendMany(['b', { value: 'c' }])
    assert.deepEqual(rest.map(({ partition }) => partition), [0, 0])
    assert.ok(first.offset < rest[0].offset && rest[0].offset < rest[1].offset)
    const [record] = stream.reader().pollSync(1)
    assert.deepEqual([record.partition, record.offset], [0, first.offset])
    assert.equal(record.key.toString(), 'k')
    assert.deepEqual(record.headers.map(([name, value]) => `${name}=${value}`), ['h=1', 'h=2'])
    assert.equal(record.eventTimeNs, 5n)
    assert.equal(typeof record.timeNs, 'bigint')
    assert.deepEqual(texts(stream.reader()), ['a', 'b', 'c'])
    assert.deepEqual(texts(stream.reader({ start: { offset: rest[0].offset } })), ['b', 'c'])
    assert.deepEqual(texts(stream.reader({ start: { timeNs: record.timeNs } })), ['a', 'b', 'c'])
    assert.deepEqual(texts(stream.reader({ start: 'latest' })), [])
    assert.equal(stream.stats().partitions[0].end - stream.stats().partitions[0].start, 3)
  })

  test(`${kind}: a group hands out each record once, commits, and goes on from there`, async (t) => {
    const stream = hubOf(t, kind).stream('events', { partitions: 2 })
    stream.appendMany(Array.from({ length: 20 }, (_, i) => ({ value: String(i), key: `key ${i}` })))
    const group = stream.group('billing')
    assert.equal(group.lag(), 20)
    const member = group.join()
    assert.deepEqual(member.assignment(), [0, 1])
    const seen = []
    while (seen.length < 12) seen.push(...texts(await member.poll(6, { timeoutMs: 30_000 })))
    await member.commitAsync()
    assert.equal(group.lag(), 20 - seen.length)
    member.leave()
    const next = group.join()
    for (const record of next) seen.push(record.text())
    next.commit()
    assert.deepEqual(seen.map(Number).sort((a, b) => a - b), Array.from({ length: 20 }, (_, i) => i))
    assert.equal(group.lag(), 0)
    assert.equal(group.committed().length, 2)
    next.leave()
  })
}

test('a waiting poll is woken by an append, also through a group', async (t) => {
  const stream = hubOf(t).stream('events')
  const polls = [stream.reader({ start: 'latest' }).poll(), stream.group('g').join().poll(10)]
  await stream.appendAsync('x')
  for (const poll of polls) assert.deepEqual(texts(await poll), ['x'])
  assert.deepEqual(await stream.reader({ start: 'latest' }).poll(1, { timeoutMs: 5 }), [])
})

test('an aborted poll loses nothing', async (t) => {
  const stream = hubOf(t).stream('events')
  const reader = stream.reader()
  const controller = new AbortController()
  const poll = reader.poll(10, { signal: controller.signal })
  stream.append('x')
  controller.abort()
  await assert.rejects(poll, { name: 'AbortError' })
  assert.deepEqual(texts(await reader.poll()), ['x'])
})

test('for await follows a stream until its reader is closed', async (t) => {
  const stream = hubOf(t).stream('events')
  const reader = stream.reader()
  stream.append('0')
  const seen = []
  for await (const record of reader) {
    seen.push(record.text())
    if (seen.length === 3) reader.close()
    else await stream.appendAsync(String(seen.length))
  }
  assert.deepEqual(seen, ['0', '1', '2'])
})

test('readers and members seek, and a partition is read on its own', async (t) => {
  const stream = hubOf(t).stream('events', { partitions: 3 })
  const positions = stream.appendMany(Array.from({ length: 30 }, (_, i) => ({ value: String(i), key: `key ${i}` })))
  const { partition, offset } = positions[7]
  const reader = stream.reader({ partition })
  assert.ok(texts(reader).includes('7'))
  reader.seek(partition, offset)
  assert.equal(reader.pollSync(1)[0].text(), '7')
  const late = stream.group('late').join({ start: 'latest' })
  assert.deepEqual(late.pollSync(), [])
  late.seek(partition, offset)
  assert.equal(late.pollSync(1)[0].text(), '7')
  assert.throws(() => late.commitOffset(partition, offset), code('INVALID_ARGUMENT'))
  stream.group('g').join().commitOffset(partition, offset + 1)
  assert.equal(stream.group('g').committed()[partition], offset + 1)
})

test('a stream gets more partitions unless keys would move, and never fewer', (t) => {
  const hub = hubOf(t)
  const stream = hub.stream('events', { partitions: 2 })
  assert.throws(() => hub.stream('events', { partitions: 1 }), code('OPTION_MISMATCH'))
  stream.append('keyless')
  hub.stream('events', { partitions: 3 })
  assert.equal(stream.partitions, 3)
  stream.append('keyed', { key: 'N14228' })
  assert.throws(() => hub.stream('events', { partitions: 4 }), code('INVALID_ARGUMENT'))
  assert.equal(stream.partitions, 3)
})

test('members share the partitions, and one that leaves gives its own to the others', async (t) => {
  const group = hubOf(t).stream('events', { partitions: 4 }).group('g')
  const [one, two] = [group.join(), group.join()]
  const owned = () => [...one.assignment(), ...two.assignment()].sort()
  for (let round = 0; round < 3; round++) for (const member of [one, two]) member.pollSync()
  assert.deepEqual(owned(), [0, 1, 2, 3])
  assert.equal(one.assignment().length, 2)
  two.leave()
  one.pollSync()
  assert.deepEqual(one.assignment(), [0, 1, 2, 3])
  assert.throws(() => two.assignment(), code('CLOSED'))
})

test('a partition moves once what was polled of it is committed', async (t) => {
  const stream = hubOf(t).stream('events', { partitions: 4 })
  stream.appendMany(Array.from({ length: 100 }, (_, i) => ({ value: 'x', key: `key ${i}` })))
  const group = stream.group('g')
  const one = group.join()
  assert.equal(one.pollSync(100).length, 100)
  const two = group.join()
  assert.deepEqual(two.pollSync(), [])
  one.pollSync()
  assert.deepEqual(two.assignment(), [])
  one.commit()
  assert.deepEqual([...one.assignment(), ...two.assignment()].sort(), [0, 1, 2, 3])
  assert.deepEqual(two.pollSync(), [])
})

test('records and committed offsets survive closing and opening again', async (t) => {
  const path = directory()
  const hub = open(path)
  const stream = hub.stream('events', { partitions: 2 })
  stream.appendMany([{ value: 'a', key: '1' }, { value: 'b', key: '1' }])
  const member = stream.group('g').join()
  assert.equal((await member.poll(1)).length, 1)
  member.commit()
  await hub.close()
  const reopened = open(path)
  t.after(() => reopened[Symbol.dispose]())
  assert.deepEqual(reopened.streams(), ['events'])
  const again = reopened.stream('events')
  assert.equal(again.partitions, 2)
  assert.deepEqual(texts(again.group('g').join()), ['b'])
  assert.deepEqual(texts(again.reader()), ['a', 'b'])
})
