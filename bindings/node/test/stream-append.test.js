'use strict'
// Appending to streams: to a partition, where it is expected to end, without waiting, in batches, as a producer.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { open, Receipt } = require('..')
const { code, directory, hubOf, inProcess } = require('./setup.js')

const texts = (records) => Array.from(records, (record) => record.text())

for (const kind of ['memory', 'durable']) {
  test(`${kind}: a partition is appended to whatever the key`, async (t) => {
    const stream = hubOf(t, kind).stream('events', { partitions: 4 })
    assert.equal(stream.appendTo(3, 'a', { key: 'k' }).partition, 3)
    assert.equal((await stream.appendToAsync(2, 'b', { key: 'k' })).partition, 2)
    assert.deepEqual(stream.appendManyTo(1, ['c', { value: 'd', key: 'x' }]), [{ partition: 1, offset: 0 }, { partition: 1, offset: 1 }])
    assert.deepEqual((await stream.appendManyToAsync(1, ['e'])).map(({ offset }) => offset), [2])
    assert.throws(() => stream.appendTo(4, 'x'), code('NOT_FOUND'))
    for (const none of [-1, 1.5, NaN, 2 ** 32, '1']) {
      assert.throws(() => stream.appendTo(none, 'x'), code('INVALID_ARGUMENT'))
      assert.throws(() => stream.appendManyTo(none, ['x']), code('INVALID_ARGUMENT'))
    }
    await assert.rejects(stream.appendToAsync(4, 'x'), code('NOT_FOUND'))
    assert.deepEqual(texts(stream.reader({ partition: 1 })), ['c', 'd', 'e'])
  })

  test(`${kind}: of two who expect a partition to end at the same offset one appends, the other is told where it ends`, async (t) => {
    const stream = hubOf(t, kind).stream('ledger')
    assert.deepEqual(stream.appendExpecting(0, 0, ['opened', 'paid']).map(({ offset }) => offset), [0, 1])
    const isConflict = (error) => {
      assert.ok(code('CONFLICT')(error))
      assert.deepEqual([error.stream, error.partition, error.expected, error.actual], ['ledger', 0, 0, 2])
      return true
    }
    assert.throws(() => stream.appendExpecting(0, 0, ['late']), isConflict)
    await assert.rejects(stream.appendExpectingAsync(0, 0, ['late']), isConflict)
    assert.deepEqual(await stream.appendExpectingAsync(0, 2, ['closed']), [{ partition: 0, offset: 2 }])
    assert.deepEqual(texts(stream.reader()), ['opened', 'paid', 'closed'])
  })

  test(`${kind}: values of any length are appended, with options and without, after a verb that failed too`, (t) => {
    const stream = hubOf(t, kind).stream('events')
    const long = 'é'.repeat(70_000)
    assert.throws(() => stream.append('x', { key: 1 }), code('INVALID_ARGUMENT'))
    assert.throws(() => stream.append('x', { headers: { '': 'y' } }), code('INVALID_ARGUMENT'))
    for (const value of ['', 'é', long]) {
      for (const bytes of [value, Buffer.from(value)]) {
        stream.append(bytes)
        stream.append(bytes, { key: 'k' })
      }
    }
    const read = stream.reader().pollSync()
    assert.deepEqual(read.map((record) => record.text()), ['', '', '', '', 'é', 'é', 'é', 'é', long, long, long, long])
    assert.deepEqual(read.map((record) => record.key?.toString()), Array.from({ length: 12 }, (_, i) => (i % 2 ? 'k' : undefined)))
  })

  test(`${kind}: a receipt tells where a record is at once, and later that it is durable`, async (t) => {
    const stream = hubOf(t, kind).stream('events')
    const first = stream.submit('a')
    const rest = stream.submitMany(['b', 'c'])
    assert.ok(first instanceof Receipt)
    assert.deepEqual([first.value, rest.value.map(({ offset }) => offset)], [{ partition: 0, offset: 0 }, [1, 2]])
    assert.deepEqual(await rest.wait({ timeoutMs: 30_000, signal: AbortSignal.timeout(30_000) }), rest.value)
    assert.equal(await first.wait(), first.value)
    assert.deepEqual([first.isReached(), rest.isReached()], [true, true])
    assert.deepEqual([stream.submitTo(0, 'd').value.offset, stream.submitManyTo(0, ['e']).value[0].offset], [3, 4])
  })

  test(`${kind}: a thousand appends at a time all end, in their order`, async (t) => {
    const stream = hubOf(t, kind).stream('events')
    const ends = []
    const appends = Array.from({ length: 1000 }, (_, i) => stream.appendAsync(String(i)).then(({ offset }) => ends.push(offset)))
    await Promise.all(appends)
    assert.deepEqual(ends, Array.from({ length: 1000 }, (_, i) => i))
    assert.deepEqual(texts(stream.reader()), ends.map(String))
  })

  test(`${kind}: a batcher appends in order, and each promise tells where its record is`, async (t) => {
    const stream = hubOf(t, kind).stream('events')
    const batcher = stream.batcher({ lingerMs: 60_000, maxBatchMessages: 4 })
    const sent = Array.from({ length: 10 }, (_, i) => batcher.send(String(i)))
    assert.deepEqual((await Promise.all(sent.slice(0, 8))).map(({ offset }) => offset), [0, 1, 2, 3, 4, 5, 6, 7])
    assert.deepEqual(texts(stream.reader()).length, 8, 'two linger')
    await batcher.flushAsync()
    assert.deepEqual((await Promise.all(sent)).map(({ offset }) => offset), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    const last = batcher.send('last')
    batcher.close()
    assert.equal((await last).offset, 10)
    await assert.rejects(batcher.send('x'), code('CLOSED'))
    batcher[Symbol.dispose]()
  })
}

test('what is refused is refused at once, and nothing is appended', async (t) => {
  const stream = hubOf(t).stream('events')
  const long = Buffer.alloc(2 ** 20 + 1)
  const tooLarge = code('TOO_LARGE')
  assert.throws(() => stream.submit(long), tooLarge)
  await assert.rejects(stream.appendAsync(long), tooLarge)
  const batcher = stream.batcher()
  await assert.rejects(batcher.send(long), tooLarge)
  for (const options of [{ lingerMs: -1 }, { maxBatchBytes: 0 }, { maxBatchMessages: 70_000 }, { linger: 1 }]) {
    assert.throws(() => stream.batcher(options), code('INVALID_ARGUMENT'), JSON.stringify(options))
  }
  assert.equal(stream.stats().partitions[0].end, 0)
})

test('a wait on a receipt ends with its signal or its time, and the receipt can be waited for again', async (t) => {
  const hub = open(directory())
  t.after(() => hub[Symbol.dispose]())
  const receipt = hub.stream('events').submit('a')
  const aborted = AbortSignal.abort(new Error('enough'))
  await assert.rejects(receipt.wait({ signal: aborted }), /enough/)
  assert.deepEqual(await receipt.wait(), { partition: 0, offset: 0 })
  await assert.rejects(receipt.wait({ timeout: 1 }), code('INVALID_ARGUMENT'))
  await assert.rejects(receipt.wait({ signal: 1 }), code('INVALID_ARGUMENT'))
})

test('an append that is under way keeps the process alive until it is durable, a reader that waits unref does not', async () => {
  const where = JSON.stringify(directory())
  const { stdout } = await inProcess(`
    const stream = open(${where}).stream('events')
    stream.reader({ start: 'latest' }).poll(1, { unref: true })
    stream.appendAsync('x').then(({ offset }) => console.log('offset', offset))`)
  assert.equal(stdout, 'offset 0\n')
})

test('a tombstone takes the value of its key away', (t) => {
  const stream = hubOf(t).stream('gates')
  stream.append('C71', { key: 'UA1' })
  stream.append(null, { key: 'UA1' })
  stream.appendMany([{ value: null, key: 'UA2' }, 'plain'])
  const records = stream.reader().pollSync()
  assert.deepEqual(records.map(({ isTombstone }) => isTombstone), [false, true, true, false])
  assert.deepEqual(records.map(({ value }) => value.length), [3, 0, 0, 5])
  assert.throws(() => stream.append(null), code('INVALID_ARGUMENT'))
  assert.throws(() => stream.appendMany([{ value: null }]), code('INVALID_ARGUMENT'))
})

for (const kind of ['memory', 'durable']) {
  test(`${kind}: a producer that appends again appends nothing twice, and is told where to go on`, async (t) => {
    const stream = hubOf(t, kind).stream('flights', { partitions: 2 })
    const producer = stream.producer('import')
    assert.deepEqual([producer.name, producer.epoch, producer.nextSequence()], ['import', 1, 0])
    const first = producer.append(0, ['a', 'b'])
    assert.equal(first.duplicate, false)
    assert.deepEqual(await producer.appendAsync(0, ['a', 'b']), { duplicate: true, positions: first.positions })
    const receipt = producer.submit(2, ['c'])
    assert.equal(receipt.value.duplicate, false)
    await receipt.wait()
    assert.equal(producer.nextSequence(), 3)
    assert.throws(() => producer.append(5, ['x']), code('SEQUENCE_GAP'))
    const next = await stream.producerAsync('import')
    assert.deepEqual([next.epoch, next.nextSequence()], [2, 3])
    assert.throws(() => producer.append(3, ['x']), code('PRODUCER_FENCED'))
    assert.deepEqual(stream.producers(), ['import'])
    stream.deleteProducer('import')
    assert.deepEqual(stream.producers(), [])
    await assert.rejects(stream.deleteProducerAsync('import'), code('NOT_FOUND'))
    assert.deepEqual(texts(stream.reader()).sort(), ['a', 'b', 'c'])
  })
}

test('options of a stream are stored, altered and taken away', (t) => {
  const hub = hubOf(t)
  const stream = hub.stream('events', { countMax: 2 })
  stream.appendMany(['a', 'b', 'c'])
  assert.deepEqual(texts(stream.reader()), ['b', 'c'])
  hub.stream('events')
  stream.append('d')
  assert.deepEqual(texts(stream.reader()), ['c', 'd'], 'what is not given stays as stored')
  hub.stream('events', { countMax: null })
  stream.append('e')
  assert.deepEqual(texts(stream.reader()), ['c', 'd', 'e'])
  for (const options of [
    { untilRead: true }, { countMax: 0 }, { countMax: '2' }, { compaction: { dirtyPercentMin: 0 } }, { compaction: { dirty: 1 } },
    { slowReaders: { timeoutMs: 5, then: 'wait' } }, { slowReaders: { timeoutMs: 5, then: 'lag' } }, { retention: 1 }
  ]) {
    assert.throws(() => hub.stream('others', options), code('INVALID_ARGUMENT'), JSON.stringify(options))
  }
})

test('where appends wait for readers, they wait on the pool and the event loop goes on', async (t) => {
  const hub = hubOf(t)
  const stream = await hub.streamAsync('ticks', { countMax: 2, slowReaders: { timeoutMs: 600_000, then: 'refuse' } })
  const slow = stream.reader()
  stream.appendMany(['1', '2'])
  const appended = stream.appendAsync('3')
  assert.deepEqual(texts(await slow.poll(1)), ['1'])
  assert.equal((await appended).offset, 2)
  hub.stream('ticks', { slowReaders: { timeoutMs: 1, then: 'refuse' } })
  assert.throws(() => stream.append('4'), code('FULL'))
})

test('a table has the last record of each key, and follows the stream', (t) => {
  const hub = hubOf(t)
  const gates = hub.stream('gates', { compaction: { latestOnly: true, keysMax: 1000 } })
  for (const [flight, gate] of [['UA1', 'C71'], ['UA2', 'C73'], ['UA1', 'C75']]) gates.append(gate, { key: flight })
  const table = gates.table()
  assert.equal(table.get('UA1').text(), 'C75')
  assert.deepEqual([table.size, table.has('UA2'), table.has('UA3'), table.get('UA3')], [2, true, false, null])
  assert.deepEqual([...table.entries()].map(([key, record]) => `${key}=${record.text()}`), ['UA2=C73', 'UA1=C75'])
  assert.deepEqual(Array.from(table.keys(), String), ['UA2', 'UA1'])
  gates.append(null, { key: 'UA1' })
  assert.deepEqual([table.size, table.get('UA1')], [1, null])
  assert.deepEqual(texts(table.values()), ['C73'])
  gates.appendMany(Array.from({ length: 600 }, (_, i) => ({ value: 'x', key: `key ${i}` })))
  assert.equal([...table].length, 601)
  assert.throws(() => hub.stream('events').table(), code('INVALID_ARGUMENT'))
  assert.throws(() => gates.append('x'), code('INVALID_ARGUMENT'), 'a record without a key')
})

test('offsets are found by time and by event time, groups are listed and deleted, and compaction can be asked for', async (t) => {
  const stream = hubOf(t).stream('events', { compaction: {} })
  const positions = [10n, 30n, 20n, 40n].map((eventTimeNs) => stream.append('x', { key: 'k', eventTimeNs }))
  const [record] = stream.reader().pollSync(1)
  assert.equal(stream.offsetAtTime(0, record.timeNs), positions[0].offset)
  assert.equal(await stream.offsetAtTimeAsync(0, 2n ** 63n), 4)
  assert.equal(stream.scanEventTime(0, 25n), 1)
  assert.equal(await stream.scanEventTimeAsync(0, 41n), 4)
  assert.throws(() => stream.offsetAtTime(1, 0n), code('NOT_FOUND'))
  assert.throws(() => stream.offsetAtTime(0, 5), code('INVALID_ARGUMENT'))
  const member = stream.group('g').join()
  assert.deepEqual(stream.groups(), ['g'])
  assert.throws(() => stream.deleteGroup('g'), code('INVALID_ARGUMENT'))
  member.leave()
  const { partitions: [partition], groups: [group], outOfRangeTotal } = stream.stats()
  assert.deepEqual([partition.start, partition.end, partition.records, outOfRangeTotal], [0, 4, 4, 0])
  assert.deepEqual([group.name, group.lag[0].records, group.members], ['g', 4, 0])
  stream.deleteGroup('g')
  await assert.rejects(stream.deleteGroupAsync('g'), code('NOT_FOUND'))
  stream.compact()
  await stream.compactAsync()
  assert.deepEqual(stream.reader().pollSync().map(({ offset }) => offset), [3])
})
