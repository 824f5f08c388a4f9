'use strict'
// Cells from the main thread to a worker thread. A run ends when the worker has had everything.

const { once } = require('node:events')
const { Worker, parentPort } = require('node:worker_threads')
const path = require('node:path')
const ringmain = require('../../../bindings/node')

const BYTES = 100
const BATCH = 64
const SUITE = path.join(__dirname, 'suite.js')
const RING_BYTES = 1 << 20

let sum = 0

// The other end: what it does with `count` messages, by name.
const ENDS = {
  packed({ hub }) {
    const queue = ringmain.open(hub).queue('messages')
    const [memory, offsets] = [Buffer.alloc(2 * BATCH * BYTES), new Uint32Array(BATCH + 1)]
    return (count) => {
      while (count > 0) {
        const jobs = queue.receivePacked(memory, offsets)
        if (jobs === null) {
          queue.receiveSync().ack()
          count -= 1
        } else {
          count -= jobs.count
          jobs.ack()
        }
      }
    }
  },
  buffers({ hub }) {
    const queue = ringmain.open(hub).queue('messages')
    return (count) => {
      while (count > 0) {
        const jobs = queue.receiveManySync(BATCH)
        for (const job of jobs) sum += job.value[0]
        queue.ackMany(jobs)
        count -= jobs.length
      }
    }
  },
  single({ hub }) {
    const queue = ringmain.open(hub).queue('messages')
    return (count) => {
      for (let i = 0; i < count; i++) {
        const job = queue.tryReceive() ?? queue.receiveSync()
        sum += job.value[0]
        job.ack()
      }
    }
  },
  // One ring of fixed slots between two threads, in JavaScript alone.
  ring({ shared }) {
    const bytes = new Uint8Array(shared, 16)
    const marks = new Int32Array(shared, 0, 4)
    const slots = Math.floor(bytes.length / BYTES)
    return (count) => {
      for (let i = 0; i < count; i++) {
        const head = Atomics.load(marks, 1)
        while (Atomics.load(marks, 0) === head) Atomics.wait(marks, 0, head, 10)
        const at = (head % slots) * BYTES
        sum += Buffer.from(bytes.subarray(at, at + BYTES))[0]
        Atomics.store(marks, 1, head + 1)
        if ((head & 1023) === 0) Atomics.notify(marks, 1)
      }
    }
  }
}

function consume({ end, ...data }) {
  if (end === 'port') {
    let left = 0
    parentPort.on('message', (message) => {
      if (message.count !== undefined) left = message.count
      else {
        left -= message.messages ?? message.length
        if (message.length !== undefined) sum += message[0][0]
        if (left <= 0) parentPort.postMessage('done')
      }
    })
    return
  }
  const run = ENDS[end](data)
  parentPort.on('message', ({ count }) => {
    run(count)
    parentPort.postMessage('done')
  })
}

// A contestant with a worker of its own; `feed` sends `count` messages.
function contestant(name, kind, end, open, feed) {
  let worker
  let data
  return {
    name, kind,
    async begin() {
      data = open()
      worker = new Worker(SUITE, { workerData: { end, ...data.shared } })
      await once(worker, 'online')
    },
    async run(count) {
      const done = once(worker, 'message')
      worker.postMessage({ count })
      feed(count, data, worker)
      await done
    },
    async end() {
      await worker.terminate()
      await data.close?.()
    }
  }
}

let hubs = 0
function hubOf() {
  const name = `memory:bench-${hubs++}`
  const hub = ringmain.open(name)
  const queue = hub.queue('messages', { onExhausted: 'drop' })
  return { shared: { hub: name }, queue, close: () => hub.close() }
}

const VALUE = Buffer.alloc(BYTES, 7)
const VALUES = Array.from({ length: BATCH }, () => VALUE)
const PACKED = Buffer.alloc(BATCH * BYTES, 7)
const OFFSETS = Uint32Array.from({ length: BATCH + 1 }, (_, index) => index * BYTES)

const each = (count, step, verb) => {
  for (let i = 0; i < count; i += step) verb()
}
const ringOf = () => ({ shared: { shared: new SharedArrayBuffer(16 + RING_BYTES) } })

function feedRing(count, { shared: { shared } }) {
  const bytes = new Uint8Array(shared, 16)
  const marks = new Int32Array(shared, 0, 4)
  const slots = Math.floor(bytes.length / BYTES)
  for (let i = 0; i < count; i++) {
    const tail = Atomics.load(marks, 0)
    for (let head; tail - (head = Atomics.load(marks, 1)) >= slots;) Atomics.wait(marks, 1, head, 1)
    bytes.set(VALUE, (tail % slots) * BYTES)
    Atomics.store(marks, 0, tail + 1)
    if ((tail & 63) === 0) Atomics.notify(marks, 0)
  }
  Atomics.notify(marks, 0)
}

const ring = contestant('SharedArrayBuffer ring in JS', 'rival', 'ring', ringOf, feedRing)
const nothing = () => ({ shared: {} })
const portPacked = contestant('MessagePort, 64 in one Buffer', 'rival', 'port', nothing, (count, _data, worker) =>
  each(count, BATCH, () => worker.postMessage({ messages: BATCH, packed: PACKED })))
const portArray = contestant('MessagePort, 64 Buffers', 'rival', 'port', nothing, (count, _data, worker) =>
  each(count, BATCH, () => worker.postMessage(Array.from({ length: BATCH }, () => new Uint8Array(BYTES)))))
const portSingle = contestant('MessagePort, one Buffer', 'rival', 'port', nothing, (count, _data, worker) =>
  each(count, 1, () => worker.postMessage([new Uint8Array(BYTES)])))

const CELLS = [
  {
    name: 'worker thread, batch 64 packed', unit: 'ns/message', goal: 125, count: 320_000,
    contestants: [
      contestant('Queue, packed', 'ours', 'packed', hubOf, (count, { queue }) => each(count, BATCH, () => queue.sendPacked(PACKED, OFFSETS))),
      portPacked, ring
    ]
  },
  {
    name: 'worker thread, batch 64 as Buffers', unit: 'ns/message', goal: 400, count: 128_000,
    contestants: [
      contestant('Queue, Many', 'ours', 'buffers', hubOf, (count, { queue }) => each(count, BATCH, () => queue.sendMany(VALUES))),
      portArray, ring
    ]
  },
  {
    name: 'worker thread, single', unit: 'ns/message', goal: 250, count: 64_000,
    contestants: [
      contestant('Queue', 'ours', 'single', hubOf, (count, { queue }) => each(count, 1, () => queue.send(VALUE))), portSingle, ring
    ]
  }
]

module.exports = { CELLS, consume }
