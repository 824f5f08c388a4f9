'use strict'
// Members of consumer groups: how they join, commit, mark, and let go of partitions.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { Processing } = require('..')
const { code, hubOf, until } = require('./setup.js')

const texts = (records) => Array.from(records, (record) => record.text())
const filled = (t, kind, options, count = 100) => {
  const stream = hubOf(t, kind).stream('events', options)
  stream.appendMany(Array.from({ length: count }, (_, i) => ({ value: String(i), key: `key ${i}` })))
  return stream
}

for (const kind of ['memory', 'durable']) {
  test(`${kind}: what is done is not handed out again, whatever came before it`, async (t) => {
    const stream = filled(t, kind, {}, 4)
    const group = stream.group('g')
    const member = await group.joinAsync()
    const records = await member.poll(4)
    member.done(records[1])
    member.done(records[3])
    member.commitDone()
    assert.deepEqual(group.committed(), [0], 'the first one is not done')
    member.done(records[0])
    await member.commitDoneAsync()
    assert.deepEqual(group.committed(), [2])
    member.leave()
    const next = group.join({ start: 'committed' })
    assert.deepEqual(texts(next), ['2'])
    assert.throws(() => next.done({ partition: 0, offset: 1 }), code('INVALID_ARGUMENT'))
    next.leave()
  })

  test(`${kind}: commits go ahead and rewinds go back, by waiting, blocking and by receipt`, async (t) => {
    const stream = filled(t, kind, {}, 10)
    const group = stream.group('g')
    const member = group.join()
    assert.equal(member.lag(), 10)
    await member.poll(3)
    const receipt = member.submitCommit()
    assert.deepEqual(group.committed(), [3], 'it counts for members of this hub at once')
    await receipt.wait()
    await member.commitOffsetAsync(0, 5)
    assert.throws(() => member.commitOffset(0, 4), code('INVALID_ARGUMENT'))
    await assert.rejects(member.commitOffsetAsync(0, 11), code('OUT_OF_RANGE'))
    member.rewind(0, 2)
    assert.deepEqual([group.committed(), texts(await member.poll(2))], [[2], ['2', '3']])
    await member.rewindAsync(0, 1)
    await assert.rejects(member.rewindAsync(0, 2), code('INVALID_ARGUMENT'))
    assert.deepEqual(texts(await member.poll(1)), ['1'])
    member.commit()
    assert.equal(member.lag(), 8)
    await member[Symbol.asyncDispose]()
    await assert.rejects(member.commitAsync(), code('CLOSED'))
  })
}

test('a group that has never committed is not joined by mistake', (t) => {
  const group = filled(t, 'memory', {}, 3).group('g')
  assert.throws(() => group.join({ start: 'committed' }), code('NOT_FOUND'))
  group.join({ start: { offset: 2 } }).leave()
  assert.deepEqual(texts(group.join({ start: 'committed' })), ['2'])
})

test('each mode commits when it says', async (t) => {
  const stream = filled(t, 'memory', {}, 10)
  const lagOf = async (commitMode) => {
    const member = stream.group(commitMode).join({ commitMode })
    const lags = []
    for (let i = 0; i < 2; i++) {
      await member.poll(1)
      lags.push(member.lag())
    }
    member.leave()
    return lags
  }
  assert.deepEqual(await lagOf('manual'), [10, 10])
  assert.deepEqual(await lagOf('onPoll'), [10, 9])
  assert.deepEqual(await lagOf('atMostOnce'), [9, 8])
})

test('a member is told of partitions that come and go, on the event loop, and commits what it has of them', async (t) => {
  const stream = filled(t, 'memory', { partitions: 4 })
  const group = stream.group('g')
  const told = []
  const one = group.join({
    onAssign: (partitions, member) => told.push(['assign', partitions, member === one]),
    onRevoke: (partitions, member) => {
      told.push(['revoke', partitions, member.revoking()])
      member.commit()
    }
  })
  assert.equal((await one.poll(500)).length, 100)
  assert.deepEqual(told.splice(0), [['assign', [0, 1, 2, 3], true]])
  const two = group.join()
  const nothing = two.poll(1, { timeoutMs: 600_000 })
  const waiting = one.poll(1, { timeoutMs: 600_000 })
  await until(() => told.length > 0)
  const [[what, partitions, revoking]] = told
  assert.deepEqual([what, partitions.length, revoking], ['revoke', 2, partitions])
  assert.deepEqual(one.revoking(), [], 'they were committed, and are gone')
  assert.deepEqual(two.assignment(), partitions)
  for (let partition = 0; partition < 4; partition++) stream.appendTo(partition, 'new')
  const got = [...await waiting, ...await nothing]
  assert.deepEqual(texts(got), ['new', 'new'])
})

test('what a callback throws the poll throws, and no record is lost', async (t) => {
  const group = filled(t, 'memory', {}, 3).group('g')
  let times = 0
  const member = group.join({
    onAssign() {
      if (times++ === 0) throw new Error('not now')
    }
  })
  await assert.rejects(member.poll(3), /not now/)
  assert.deepEqual(texts(await member.poll(3)), ['0', '1', '2'])
  const late = group.join({ onAssign: async () => { throw new Error('later') } })
  member.commit()
  member.leave()
  const waits = late.poll(1, { timeoutMs: 600_000 })
  await assert.rejects(waits, /later/)
  assert.throws(() => group.join({ onAssign: 'x' }), code('INVALID_ARGUMENT'))
})

test('a partition is let go of without a commit if that is confirmed', async (t) => {
  const stream = filled(t, 'memory', { partitions: 2 })
  const group = stream.group('g')
  const one = group.join()
  assert.equal(one.pollSync().length, 100)
  const two = group.join()
  assert.deepEqual([two.pollSync(), one.pollSync()], [[], []])
  const [partition] = one.revoking()
  one.confirmRevoke(partition)
  assert.throws(() => one.confirmRevoke(partition), code('NOT_FOUND'))
  assert.ok(two.pollSync().every((record) => record.partition === partition))
})

test('who joins by the name of a member that is there takes its place, and is told from it', async (t) => {
  const group = filled(t, 'memory', { partitions: 2 }).group('g')
  const lost = []
  const one = group.join({ memberName: 'desk', sessionTimeoutMs: 1000, maxPollIntervalMs: Infinity, onLost: (partitions) => lost.push(partitions) })
  assert.equal((await one.poll(500)).length, 100)
  const two = group.join({ memberName: 'desk' })
  assert.equal((await two.poll(500)).length, 100)
  await assert.rejects(one.poll(), code('FENCED'))
  await assert.rejects(one.commitAsync(), code('FENCED'))
  for (const options of [{ memberName: '' }, { maxPollIntervalMs: 0 }, { sessionTimeoutMs: -1 }, { commitMode: 'auto' }, { start: 'now' }, { name: 'x' }]) {
    assert.throws(() => group.join(options), (error) => /^INVALID_/.test(error.code), JSON.stringify(options))
  }
})

test('a handler is said to run until it is ended', (t) => {
  const member = filled(t, 'memory', {}, 1).group('g').join()
  const processing = member.processing()
  assert.ok(processing instanceof Processing)
  processing.end()
  processing[Symbol.dispose]()
  member.leave()
  assert.throws(() => member.processing(), code('CLOSED'))
})

test('a commit on the pool does not keep the event loop waiting, and polls go on after it', async (t) => {
  const stream = filled(t, 'durable', {}, 100)
  const member = stream.group('g').join()
  for (let i = 0; i < 20; i++) {
    await member.poll(5)
    const committed = member.commitOffsetAsync(0, 5 * (i + 1))
    const polled = i < 19 ? member.poll(1, { timeoutMs: 600_000 }) : []
    await committed
    if (i < 19) {
      assert.deepEqual(texts(await polled), [String(5 * (i + 1))])
      member.seek(0, 5 * (i + 1))
    }
  }
  assert.equal(member.lag(), 0)
})
