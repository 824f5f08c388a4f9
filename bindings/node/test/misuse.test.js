'use strict'
// Wrong use throws a RingmainError and leaves everything as it was; nothing ends the process.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const ringmain = require('..')
const { PLAIN, code, directory, hubOf } = require('./setup.js')

const { open, RingmainError } = ringmain
const NAN_AND_CO = [NaN, Infinity, -1, 1e300]
const NOT_NUMBERS = ['1', null, {}, 1n, true]

const invalid = (verb, label) => assert.throws(verb, code('INVALID_ARGUMENT'), label)

test('errors are RingmainErrors with the code and number of the one table', () => {
  const error = (() => {
    try {
      return open('memory:..')
    } catch (thrown) {
      return thrown
    }
  })()
  assert.ok(error instanceof RingmainError && error instanceof Error)
  assert.deepEqual([error.name, error.code, error.number], ['RingmainError', 'INVALID_NAME', 2])
  assert.match(error.message, /name ".." is not allowed/)
  assert.match(error.stack, /misuse\.test\.js/)
})

test('verbs on a closed hub and everything of it throw CLOSED, and closing it again does nothing', async () => {
  const hub = open()
  const queue = hub.queue('jobs', PLAIN)
  const stream = hub.stream('events')
  const reader = stream.reader()
  const member = stream.group('g').join()
  queue.send('x')
  const job = queue.tryReceive()
  assert.equal(hub.closed, false)
  await hub.close()
  assert.equal(hub.closed, true)
  const closed = code('CLOSED')
  for (const verb of [
    () => hub.queue('jobs'), () => hub.stream('events'), () => hub.queues(), () => hub.streams(), () => hub.flush(),
    () => hub.stats(), () => queue.send('x'), () => queue.sendMany(['x']), () => queue.tryReceive(),
    () => queue.receiveSync(1), () => queue.peek(), () => queue.stats(), () => queue.ackMany([job]), () => job.ack(),
    () => job.fail('r'), () => job.release(), () => job.reject('r'), () => job.extend(1), () => stream.append('x'),
    () => stream.appendMany(['x']), () => stream.reader(), () => stream.partitions, () => stream.stats(),
    () => stream.group('g').join(), () => stream.group('g').lag(), () => stream.group('g').committed(),
    () => reader.pollSync(), () => reader.seek(0, 0), () => member.pollSync(), () => member.commit(),
    () => member.commitOffset(0, 0), () => member.seek(0, 0), () => member.assignment()
  ]) assert.throws(verb, closed, String(verb))
  for (const verb of [
    () => hub.flushAsync(), () => queue.sendAsync('x'), () => queue.sendManyAsync(['x']),
    () => queue.receive(), () => queue.receiveMany(1), () => job.ackAsync(), () => job.failAsync('r'),
    () => job.releaseAsync(), () => job.rejectAsync('r'), () => job.extendAsync(1), () => stream.appendAsync('x'),
    () => stream.appendManyAsync(['x']), () => reader.poll(), () => member.poll(), () => member.commitAsync()
  ]) await assert.rejects(verb, closed, String(verb))
  assert.equal(job.text(), 'x')
  await Promise.all([hub.close(), hub.close({ timeoutMs: 1 })])
  hub[Symbol.dispose]()
  await hub[Symbol.asyncDispose]()
  job[Symbol.dispose]()
  for await (const never of queue) assert.fail(never)
})

test('readers closed twice and members that left throw CLOSED', (t) => {
  const stream = hubOf(t).stream('events')
  const reader = stream.reader()
  reader.close()
  assert.throws(() => reader.close(), code('CLOSED'))
  assert.throws(() => reader.pollSync(), code('CLOSED'))
  reader[Symbol.dispose]()
  const member = stream.group('g').join()
  member.leave()
  assert.throws(() => member.leave(), code('CLOSED'))
  assert.throws(() => member.commit(), code('CLOSED'))
  member[Symbol.dispose]()
})

test('names that break the rules are INVALID_NAME, other things than strings INVALID_ARGUMENT', (t) => {
  const hub = hubOf(t)
  for (const name of ['', '..', '../x', 'a/b', 'a\0b', 'x'.repeat(129), 'é', '\ud800', '.hidden', 'a.']) {
    assert.throws(() => hub.queue(name, PLAIN), code('INVALID_NAME'), JSON.stringify(name))
    assert.throws(() => hub.stream(name), code('INVALID_NAME'), JSON.stringify(name))
    assert.throws(() => hub.stream('events').group(name).join(), code('INVALID_NAME'), JSON.stringify(name))
  }
  assert.throws(() => hub.queue('jobs', { deadLetter: '../x' }), code('INVALID_NAME'))
  for (const name of [undefined, null, 7, {}, Symbol('s'), ['a']]) {
    invalid(() => hub.queue(name, PLAIN))
    invalid(() => hub.stream(name))
    invalid(() => hub.stream('events').group(name))
  }
  assert.deepEqual(hub.queues(), [])
})

test('what is over a limit is TOO_LARGE and is not sent', async (t) => {
  const hub = hubOf(t)
  const queue = hub.queue('jobs', PLAIN)
  const stream = hub.stream('events')
  const tooLarge = code('TOO_LARGE')
  const long = Buffer.alloc((1 << 20) + 1)
  assert.throws(() => queue.send(long), tooLarge)
  assert.throws(() => queue.send('x', { key: Buffer.alloc(4097) }), tooLarge)
  assert.throws(() => queue.send('x', { headers: { ['n'.repeat(256)]: '' } }), tooLarge)
  assert.throws(() => queue.send('x', { headers: { n: Buffer.alloc((32 << 10) + 1) } }), tooLarge)
  assert.throws(() => queue.sendMany(Array(17).fill(Buffer.alloc(1 << 20))), tooLarge)
  assert.throws(() => stream.append(long), tooLarge)
  await assert.rejects(queue.sendAsync(long), tooLarge)
  await assert.rejects(stream.appendAsync('x', { key: Buffer.alloc(4097) }), tooLarge)
  invalid(() => queue.sendMany(Array(65_537).fill('')))
  invalid(() => queue.send('x', { headers: Array.from({ length: 65 }, () => ['n', 'v']) }))
  invalid(() => queue.send('x', { headers: { 'rm-failures': '0' } }))
  invalid(() => queue.send('x', { headers: { '': 'v' } }))
  assert.equal(queue.stats().sentTotal, 0)
})

test('numbers that make no sense are INVALID_ARGUMENT wherever a number is taken', async (t) => {
  const hub = hubOf(t)
  const queue = hub.queue('jobs', PLAIN)
  const stream = hub.stream('events')
  const reader = stream.reader()
  const member = stream.group('g').join()
  queue.send('x')
  const job = queue.tryReceive()
  const verbs = {
    delay: (n) => queue.send('x', { delayMs: n }),
    lease: (n) => hub.queue('jobs', { leaseMs: n }),
    failures: (n) => hub.queue('jobs', { maxFailures: n }),
    base: (n) => hub.queue('jobs', { retry: { baseMs: n } }),
    cap: (n) => hub.queue('jobs', { retry: { capMs: n } }),
    partitions: (n) => hub.stream('wide', { partitions: n }),
    count: (n) => queue.tryReceiveMany(n),
    peek: (n) => queue.peek(n),
    from: (n) => queue.peek(1, n),
    extend: (n) => job.extend(n),
    fail: (n) => job.fail('r', { delayMs: n }),
    release: (n) => job.release({ delayMs: n }),
    partition: (n) => stream.reader({ partition: n }),
    offset: (n) => stream.reader({ start: { offset: n } }),
    'reader.seek': (n) => reader.seek(0, n),
    'member.seek': (n) => member.seek(n, 0),
    commit: (n) => member.commitOffset(0, n),
    pollSync: (n) => reader.pollSync(n)
  }
  for (const [name, verb] of Object.entries(verbs)) {
    for (const value of [...NAN_AND_CO, ...NOT_NUMBERS]) invalid(() => verb(value), `${name} ${String(value)}`)
  }
  const whole = ['failures', 'partitions', 'count', 'peek', 'from', 'partition', 'offset', 'commit', 'pollSync']
  for (const name of whole) invalid(() => verbs[name](1.5), name)
  for (const value of [NaN, -1, ...NOT_NUMBERS]) {
    await assert.rejects(queue.receive({ timeoutMs: value }), code('INVALID_ARGUMENT'), String(value))
    invalid(() => queue.receiveSync(value), String(value))
  }
  for (const value of [...NAN_AND_CO, 0, 65_537, ...NOT_NUMBERS]) {
    await assert.rejects(queue.receiveMany(value), code('INVALID_ARGUMENT'), String(value))
    await assert.rejects(reader.poll(value, { timeoutMs: 1 }), code('INVALID_ARGUMENT'), String(value))
  }
  await assert.rejects(hub.close({ timeoutMs: NaN }), code('INVALID_ARGUMENT'))
  assert.equal(hub.closed, false)
  job.ack()
  assert.deepEqual([queue.stats().sentTotal, queue.stats().ready], [1, 0])
})

test('values, keys, headers, times and reasons of the wrong type are INVALID_ARGUMENT', async (t) => {
  const hub = hubOf(t)
  const queue = hub.queue('jobs', PLAIN)
  queue.send('x')
  const job = queue.tryReceive()
  for (const value of [undefined, null, 7, 7n, true, {}, [], Symbol('s'), () => {}]) {
    invalid(() => queue.send(value))
    invalid(() => queue.send('x', { key: value === undefined ? null : value }))
    invalid(() => queue.send('x', { headers: { name: value } }))
    invalid(() => job.reject(value))
    invalid(() => job.fail(value))
    await assert.rejects(queue.sendAsync(value), code('INVALID_ARGUMENT'))
  }
  for (const headers of [null, 'a=b', 7, ['a'], [['a']], [['a', 'b', 'c']], [[1, 'b']]]) {
    invalid(() => queue.send('x', { headers }))
  }
  for (const eventTimeNs of [7, '7', -1n, 1n << 64n, null, new Date()]) {
    invalid(() => queue.send('x', { eventTimeNs }))
    invalid(() => hub.stream('events').reader({ start: { timeNs: eventTimeNs } }))
  }
  for (const start of ['first', '', 7, null, {}, { offset: 1, timeNs: 1n }, { at: 'earliest' }]) {
    invalid(() => hub.stream('events').reader({ start }))
    invalid(() => hub.stream('events').group('g').join({ start }))
  }
  for (const messages of [undefined, null, 7, 'text', {}, [null], [undefined], [7], [{}], [{ value: 7 }]]) {
    invalid(() => queue.sendMany(messages))
  }
  for (const jobs of [undefined, null, {}, [{}], [null], [job, 7], [Object.create(ringmain.Job.prototype)]]) {
    invalid(() => queue.ackMany(jobs))
  }
  job.ack()
  assert.equal(queue.stats().sentTotal, 1)
})

test('options that do not exist or do not fit are named', async (t) => {
  const hub = hubOf(t)
  assert.throws(() => hub.queue('jobs', { max_failures: 3 }), /"max_failures" is not known; names are spelled like maxFailures/)
  assert.throws(() => hub.queue('jobs'), code('OPTION_MISSING'))
  const queue = hub.queue('jobs', PLAIN)
  assert.throws(() => hub.queue('jobs', { leaseTime: 3 }), /unknown field `leaseTime`, expected one of `leaseMs`/)
  assert.throws(() => hub.queue('jobs', { retry: { baseMs: NaN } }), /retry\.baseMs: .*"NaN"/)
  invalid(() => hub.queue('jobs', null))
  invalid(() => hub.queue('jobs', 7))
  invalid(() => hub.queue('jobs', { onExhausted: 'explode' }))
  invalid(() => hub.queue('jobs', { onExhausted: 'drop', deadLetter: 'dead' }))
  invalid(() => hub.queue('jobs', { retry: { jitter: 'some' } }))
  invalid(() => hub.queue('jobs', { retry: { base: 1 } }))
  invalid(() => queue.send('x', { delay: 1 }))
  invalid(() => hub.stream('events').append('x', { delayMs: 1 }))
  invalid(() => open(undefined, { durability: 'certain' }))
  invalid(() => open(undefined, { durability: 7 }))
  invalid(() => open(7))
  await assert.rejects(queue.receive({ timeout: 7 }), code('INVALID_ARGUMENT'))
  await assert.rejects(queue.receive({ signal: {} }), code('INVALID_ARGUMENT'))
})

test('a partition or offset that is not there is refused', (t) => {
  const stream = hubOf(t).stream('events', { partitions: 2 })
  assert.throws(() => stream.reader({ partition: 2 }), RingmainError)
  assert.throws(() => stream.reader().seek(2, 0), RingmainError)
  hubOf(t).stream('other', { partitions: 3 })
  assert.throws(() => stream.group('g').join().commitOffset(2, 0), RingmainError)
})

test('a path that cannot be a hub is an IO error that names it', (t) => {
  const file = path.join(directory(), 'file')
  fs.writeFileSync(file, 'x')
  assert.throws(() => open(file), (error) => code('IO')(error) && error.message.includes(file))
  assert.throws(() => open(path.join(file, 'below')), code('IO'))
  assert.throws(() => open(''), code('IO'))
  assert.throws(() => open('a\0b'), RingmainError)
})

test('a directory that another process has open is LOCKED, and the error says by whom', async (t) => {
  const where = directory()
  const { spawn } = require('node:child_process')
  const source = `
    const hub = require(${JSON.stringify(path.join(__dirname, '..'))}).open(${JSON.stringify(where)})
    console.log('open')
    process.stdin.on('data', () => hub.close().then(() => process.exit(0)))`
  const child = spawn(process.execPath, ['-e', source], { stdio: ['pipe', 'pipe', 'inherit'] })
  t.after(() => child.kill())
  await new Promise((resolve) => child.stdout.once('data', resolve))
  assert.throws(() => open(where), (error) => code('LOCKED')(error) && error.message.includes(String(child.pid)))
  child.stdin.write('close\n')
  await new Promise((resolve) => child.once('exit', resolve))
  await open(where).close()
})

test('native methods called on a foreign object throw instead of crashing', (t) => {
  const queue = hubOf(t).queue('jobs', PLAIN)
  queue.send('x')
  const job = queue.tryReceive()
  for (const steal of [() => job.ack.call({}), () => queue.send.call({}, 'x'), () => queue.send.call(job, 'x')]) {
    assert.throws(steal, Error)
  }
  assert.throws(() => new ringmain.Queue(null, {}, 'x').stats(), Error)
  job.ack()
})
