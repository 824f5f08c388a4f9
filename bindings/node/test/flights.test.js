'use strict'
// The Node step of the flights pipeline, on a hub as the step before leaves it.

const assert = require('node:assert/strict')
const { execFile } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { promisify } = require('node:util')
const { open } = require('..')
const { directory } = require('./setup.js')

const run = promisify(execFile)
const EXAMPLES = path.join(__dirname, '..', '..', '..', 'examples')

// The examples import 'ringmain', which is found from where they lie: a copy lies beside a link to this package.
function example(t, file) {
  const folder = directory()
  fs.mkdirSync(path.join(folder, 'node_modules'))
  fs.symlinkSync(path.join(__dirname, '..'), path.join(folder, 'node_modules', 'ringmain'))
  const copy = path.join(folder, path.basename(file))
  fs.copyFileSync(path.join(EXAMPLES, file), copy)
  return copy
}

test('flights that never arrived are dead after three failures, all others are acked', async (t) => {
  const where = directory()
  const retry = { baseMs: 10, factor: 1, capMs: 10, jitter: 'none' }
  const options = { maxFailures: 3, deadLetter: 'rebook.dead', retry }
  const hub = open(where)
  const flights = Array.from({ length: 100 }, (_, i) => ({ flight: i, arr_delay: i % 10 === 0 ? null : i }))
  hub.queue('rebook', options).sendMany(flights.map((flight) => JSON.stringify(flight)))
  await hub.close()

  const { stdout } = await run(process.execPath, [example(t, 'flights/node/main.mjs'), where])
  assert.match(stdout, /^[^\n]+\n$/)
  const { step, tasks, acked, failed, dead, redelivered, workers, seconds } = JSON.parse(stdout)
  assert.deepEqual({ step, tasks, acked, failed, dead, redelivered },
    { step: 'node', tasks: 100, acked: 90, failed: 30, dead: 10, redelivered: 20 })
  assert.equal(workers.length, 4)
  assert.equal(workers.reduce((sum, count) => sum + count), 120)
  assert.equal(typeof seconds, 'number')

  const after = open(where)
  t.after(() => after[Symbol.dispose]())
  const left = after.queue('rebook.dead').tryReceiveMany(100)
  assert.deepEqual(left.map((job) => job.json().flight).sort((a, b) => a - b), [0, 10, 20, 30, 40, 50, 60, 70, 80, 90])
  assert.equal(left[0].header('rm-failures').toString(), '3')
})

test('a hub directory that is missing or not given is one clear line', async (t) => {
  const main = example(t, 'flights/node/main.mjs')
  const missing = path.join(directory(), 'missing')
  for (const args of [[], [missing]]) {
    const { code, stdout, stderr } = await run(process.execPath, [main, ...args]).catch((error) => error)
    assert.deepEqual([code, stdout], [1, ''])
    assert.match(stderr, /^node: [^\n]+\n$/)
  }
  assert.equal(fs.existsSync(missing), false)
})

test('the snippet of the README runs as written', async (t) => {
  const { stdout } = await run(process.execPath, [example(t, 'readme/snippet.mjs')])
  assert.equal(stdout, 'dead: nobody, because there is no @ in it\noffset 0: UA\n')
})
