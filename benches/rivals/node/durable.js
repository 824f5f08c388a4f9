'use strict'
// Workers on disk. BullMQ takes part where redis-server is on the machine: a server of its own, which keeps an append-only file.

const { spawn, spawnSync } = require('node:child_process')
const { once } = require('node:events')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const ringmain = require('../../../bindings/node')

const CONCURRENCY = 50
const VALUE = Buffer.alloc(100, 7)
const PORT = 46_379

const directory = () => fs.mkdtempSync(path.join(os.tmpdir(), 'ringmain-bench-'))

function ours(name, durability) {
  let hub
  let where
  let queue
  return {
    name, kind: 'ours',
    begin() {
      where = directory()
      hub = ringmain.open(where, { durability })
      queue = hub.queue('jobs', { onExhausted: 'drop' })
    },
    async run(count) {
      for (let left = count; left > 0; left -= 100) {
        await queue.sendManyAsync(Array.from({ length: Math.min(left, 100) }, () => VALUE))
      }
      let left = count
      const worker = new ringmain.Worker(queue, async () => {}, { concurrency: CONCURRENCY, prefetch: CONCURRENCY })
      await new Promise((resolve) => worker.on('completed', () => --left === 0 && resolve()))
      await worker.close()
    },
    async end() {
      await hub.close()
      fs.rmSync(where, { recursive: true, force: true })
    }
  }
}

const bullmq = () => {
  let server
  let where
  const connection = { host: '127.0.0.1', port: PORT, maxRetriesPerRequest: null }
  return {
    name: 'BullMQ', kind: 'rival', isSlow: true,
    isThere: () => spawnSync('redis-server', ['--version']).error === undefined,
    async begin() {
      where = directory()
      server = spawn('redis-server', ['--port', String(PORT), '--dir', where, '--appendonly', 'yes', '--save', ''], { stdio: 'ignore' })
      await once(server, 'spawn')
    },
    async run(count) {
      const { Queue, Worker } = require('bullmq')
      const queue = new Queue('jobs', { connection })
      for (let left = count; left > 0; left -= 100) {
        await queue.addBulk(Array.from({ length: Math.min(left, 100) }, () => ({ name: 'job', data: VALUE.toString('base64'), opts: { removeOnComplete: true } })))
      }
      let left = count
      const worker = new Worker('jobs', async () => {}, { connection, concurrency: CONCURRENCY })
      await new Promise((resolve) => worker.on('completed', () => --left === 0 && resolve()))
      await worker.close()
      await queue.close()
    },
    async end() {
      server.kill()
      await once(server, 'exit')
      fs.rmSync(where, { recursive: true, force: true })
    }
  }
}

const CELLS = [
  { name: 'durable worker, concurrency 50, written', unit: 'us/job', goal: 10, count: 20_000, contestants: [ours('Worker, written', 'written'), bullmq()] },
  { name: 'durable worker, concurrency 50, synced', unit: 'us/job', goal: 10, count: 20_000, contestants: [ours('Worker, synced', 'synced'), bullmq()] }
]

module.exports = { CELLS }
