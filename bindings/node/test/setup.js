'use strict'
// What several tests need: hubs and directories that end with the test.

const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { execFile } = require('node:child_process')
const { once } = require('node:events')
const { promisify } = require('node:util')
const { Worker } = require('node:worker_threads')
const { open } = require('..')

// A queue whose retries come at once and whose failures are kept by nobody, unless said otherwise.
const PLAIN = { onExhausted: 'drop', retry: { baseMs: 1, factor: 1, capMs: 1, jitter: 'none' } }

// Removed when all tests of the file are over: a hub that closes still writes, and hooks run in the order of their making.
const directories = []
process.on('exit', () => directories.forEach((made) => fs.rmSync(made, { recursive: true, force: true })))

function directory() {
  const made = fs.mkdtempSync(path.join(os.tmpdir(), 'ringmain-'))
  directories.push(made)
  return made
}

// A hub of the test's own: in memory, or in a fresh directory.
function hubOf(t, kind = 'memory') {
  const hub = open(kind === 'memory' ? undefined : directory())
  t.after(() => hub[Symbol.dispose]())
  return hub
}

// Runs `body` (a function that sees nothing of its surroundings) in a worker; its messages in order.
function inWorker(body, workerData) {
  const source = `
    const { parentPort, workerData } = require('node:worker_threads')
    const ringmain = require(${JSON.stringify(path.join(__dirname, '..'))});
    (${body})({ ringmain, parentPort, workerData })`
  return new Worker(source, { eval: true, workerData })
}

// The messages of a worker that ends by itself.
async function messagesOf(worker) {
  const messages = []
  worker.on('message', (message) => messages.push(message))
  const [code] = await once(worker, 'exit')
  if (code !== 0) throw new Error(`worker ended with ${code}`)
  return messages
}

// Runs a script with the package at hand as `ringmain` in a process of its own; its output.
async function inProcess(source, ...flags) {
  const preamble = `const ringmain = require(${JSON.stringify(path.join(__dirname, '..'))}); const { open } = ringmain;`
  return promisify(execFile)(process.execPath, [...flags, '-e', preamble + source], { cwd: path.join(__dirname, '..') })
}

// Waits until `holds()`, for things that happen on another thread's time.
async function until(holds) {
  for (let left = 3000; left > 0; left--) {
    if (await holds()) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error('it never came to hold')
}

// What an assertion on a thrown error looks for.
const code = (name) => (error) => {
  if (error.name === 'RingmainError' && error.code === name && error.number > 0 && error.message.length > 0) return true
  throw error
}

module.exports = { PLAIN, code, directory, hubOf, inProcess, inWorker, messagesOf, until }
