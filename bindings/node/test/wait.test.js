'use strict'
// Waiting: time-outs, AbortSignal, order, and what keeps a process alive.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { open } = require('..')
const { PLAIN, code, hubOf, inProcess } = require('./setup.js')

test('a waiting receive is woken by a send', async (t) => {
  const queue = hubOf(t).queue('jobs', PLAIN)
  const waiting = queue.receive()
  queue.send('x')
  assert.equal((await waiting).text(), 'x')
})

test('a receive whose time is over gives null, a batch receive gives none', async (t) => {
  const queue = hubOf(t).queue('jobs', PLAIN)
  assert.equal(await queue.receive({ timeoutMs: 5 }), null)
  assert.equal(await queue.receive({ timeoutMs: 0 }), null)
  assert.deepEqual(await queue.receiveMany(8, { timeoutMs: 5 }), [])
  assert.equal(queue.receiveSync(5), null)
  queue.send('x')
  assert.equal((await queue.receive({ timeoutMs: 0 })).text(), 'x')
})

test('waiters are served in the order they came, each message to one of them', async (t) => {
  const queue = hubOf(t).queue('jobs', PLAIN)
  const waiting = [queue.receive(), queue.receive(), queue.receive()]
  for (const value of ['a', 'b', 'c']) queue.send(value)
  const jobs = await Promise.all(waiting)
  assert.deepEqual(jobs.map((job) => job.text()), ['a', 'b', 'c'])
})

test('an aborted wait rejects with the signal\'s reason and loses nothing', async (t) => {
  const queue = hubOf(t).queue('jobs', PLAIN)
  const controller = new AbortController()
  const aborted = queue.receive({ signal: controller.signal })
  const patient = queue.receive()
  const reason = new Error('shutting down')
  controller.abort(reason)
  queue.send('x')
  await assert.rejects(aborted, reason)
  assert.equal((await patient).text(), 'x')
  await assert.rejects(queue.receive({ signal: controller.signal }), reason)
  await assert.rejects(queue.receive({ signal: AbortSignal.timeout(5) }), { name: 'TimeoutError' })
  queue.send('y')
  assert.equal(queue.tryReceive().text(), 'y')
})

test('a message that arrives in the same turn as the abort stays in the queue', async (t) => {
  const queue = hubOf(t).queue('jobs', PLAIN)
  const controller = new AbortController()
  const waiting = queue.receive({ signal: controller.signal })
  queue.send('x')
  controller.abort()
  await assert.rejects(waiting, { name: 'AbortError' })
  assert.equal((await queue.receive()).attempts, 1)
})

test('two queue objects of one queue that both wait share its messages', async (t) => {
  const hub = hubOf(t)
  const [one, two] = [hub.queue('jobs', PLAIN), hub.queue('jobs')]
  const waiting = [one.receive(), two.receive()]
  one.sendMany(['a', 'b'])
  const jobs = await Promise.all(waiting)
  assert.deepEqual(jobs.map((job) => job.text()).sort(), ['a', 'b'])
})

test('a wait that was given up does not swallow the wake-up of another', async (t) => {
  const hub = hubOf(t)
  const [one, two] = [hub.queue('jobs', PLAIN), hub.queue('jobs')]
  assert.equal(await one.receive({ timeoutMs: 1 }), null)
  const waiting = two.receive()
  two.send('x')
  assert.equal((await waiting).text(), 'x')
})

test('closing the hub ends every wait with CLOSED', async () => {
  const hub = open()
  const queue = hub.queue('jobs', PLAIN)
  const reader = hub.stream('events').reader()
  const waits = [queue.receive(), queue.receiveMany(3), reader.poll()]
  const closing = hub.close()
  for (const wait of waits) await assert.rejects(wait, code('CLOSED'))
  await closing
})

test('a pending wait keeps the process alive until it is settled', async () => {
  const { stdout } = await inProcess(`
    const queue = open().queue('jobs', { onExhausted: 'drop' })
    queue.receive({ timeoutMs: 50 }).then((job) => {
      console.log('ended with', job)
      queue.send('x', { delayMs: 20 })
      return queue.receive()
    }).then((job) => console.log('received', job.text()))`)
  assert.equal(stdout, 'ended with null\nreceived x\n')
})

test('a process ends when only unref waits are left', async () => {
  const { stdout } = await inProcess(`
    const queue = open().queue('jobs', { onExhausted: 'drop' })
    queue.receive({ unref: true }).then(() => console.log('never'))
    queue.receive({ unref: true, timeoutMs: 3_600_000 }).then(() => console.log('never'))
    console.log('end of script')`)
  assert.equal(stdout, 'end of script\n')
})
