'use strict'
// What the garbage collector and panics meet: leases given back, nothing kept, nothing ended.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const addon = require('../lib/addon.js')
const { inProcess } = require('./setup.js')

test('a job that is garbage collected unsettled is released', async () => {
  const { stdout } = await inProcess(`
    const queue = open().queue('jobs', { onExhausted: 'drop', leaseMs: 3_600_000 })
    queue.sendMany(['a', 'b'])
    let kept
    (() => { kept = queue.tryReceive(); queue.tryReceive() })()
    const look = setInterval(() => {
      gc()
      const again = queue.tryReceive()
      if (again === null) return
      clearInterval(look)
      console.log(again.text(), again.attempts, again.failures, queue.stats().leased)
      kept.ack()
    }, 10)`, '--expose-gc')
  assert.equal(stdout, 'b 2 0 2\n')
})

test('a loop that never yields to the event loop keeps nothing of the jobs it settled', async () => {
  const { stdout } = await inProcess(`
    const queue = open().queue('jobs', { onExhausted: 'drop' })
    const loop = (count) => {
      for (let i = 0; i < count; i++) {
        queue.send(Buffer.alloc(10_000))
        queue.receiveSync().ack()
      }
      gc()
      return process.memoryUsage().rss
    }
    const before = loop(2_000)
    console.log(loop(10_000) - before < 50_000_000)`, '--expose-gc')
  assert.equal(stdout, 'true\n')
})

// Only debug builds have something that panics on purpose.
const skip = addon.Provocation === undefined

test('a panic becomes an INTERNAL error and the process goes on', { skip }, async () => {
  const { stdout } = await inProcess(`
    const { Provocation } = require('./lib/addon.js')
    require('./lib/native.js')
    const say = (error) => console.log(error.code, error instanceof ringmain.RingmainError, error.message)
    let provocation = new Provocation()
    try { provocation.verb() } catch (error) { say(error) }
    provocation.verbAsync().catch(say).then(() => {
      provocation = undefined
      setTimeout(() => { gc(); setTimeout(() => console.log('alive'), 50) }, 10)
    })`, '--expose-gc')
  assert.deepEqual(stdout.split('\n'), [
    'INTERNAL true internal error, please report it: provoked in a verb',
    'INTERNAL true internal error, please report it: provoked on the pool',
    'alive',
    ''
  ])
})
