'use strict'
// Cells of one thread and its event loop.

const { EventEmitter, on } = require('node:events')
const ringmain = require('../../../bindings/node')

const VALUE = Buffer.alloc(100, 7)
const BATCH = 64

const hub = ringmain.open()
let names = 0
const queueOf = () => hub.queue(`loop-${names++}`, { onExhausted: 'drop' })

const ours = (name, make) => {
  const contestant = { name, kind: 'ours' }
  contestant.begin = () => {
    contestant.run = make(queueOf())
  }
  return contestant
}

let sum = 0

const single = ours('Queue', (queue) => (count) => {
  for (let i = 0; i < count; i++) {
    queue.send(VALUE)
    queue.tryReceive().ack()
  }
})

const withValue = ours('Queue', (queue) => (count) => {
  for (let i = 0; i < count; i++) {
    queue.send(VALUE)
    const job = queue.tryReceive()
    sum += job.value[0]
    job.ack()
  }
})

const packed = ours('Queue, packed', (queue) => {
  const values = Buffer.alloc(BATCH * VALUE.length, 7)
  const offsets = Uint32Array.from({ length: BATCH + 1 }, (_, index) => index * VALUE.length)
  const [memory, places] = [Buffer.alloc(2 * values.length), new Uint32Array(BATCH + 1)]
  return (count) => {
    for (let i = 0; i < count; i += BATCH) {
      queue.sendPacked(values, offsets)
      queue.receivePacked(memory, places).ack()
    }
  }
})

const batched = ours('Queue, Many', (queue) => {
  const values = Array.from({ length: BATCH }, () => VALUE)
  return (count) => {
    for (let i = 0; i < count; i += BATCH) {
      queue.sendMany(values)
      const jobs = queue.tryReceiveMany(BATCH)
      for (const job of jobs) sum += job.value[0]
      queue.ackMany(jobs)
    }
  }
})

const awaited = ours('await receive', (queue) => async (count) => {
  for (let i = 0; i < count; i++) queue.send(VALUE)
  for (let i = 0; i < count; i++) (await queue.receive()).ack()
})

const fastqPromise = {
  name: 'fastq.promise', kind: 'rival', isSlow: true,
  begin() {
    const queue = require('fastq').promise(async (value) => value[0], 1)
    this.run = async (count) => {
      for (let i = 0; i < count; i++) await queue.push(VALUE)
    }
  }
}

const fastqCallback = {
  name: 'fastq, callback', kind: 'reference',
  begin() {
    const queue = require('fastq')((value, done) => done(null, value[0]), 1)
    this.run = (count) => new Promise((resolve) => {
      let left = count
      const next = () => (--left === 0 ? resolve() : undefined)
      for (let i = 0; i < count; i++) queue.push(VALUE, next)
    })
  }
}

const denque = {
  name: 'denque', kind: 'reference',
  begin() {
    const Denque = require('denque')
    const queue = new Denque()
    this.run = (count) => {
      for (let i = 0; i < count; i++) {
        queue.push(VALUE)
        sum += queue.shift()[0]
      }
    }
  }
}

const eventsOn = {
  name: 'events.on', kind: 'rival',
  async run(count) {
    const emitter = new EventEmitter()
    const events = on(emitter, 'message')
    for (let i = 0; i < count; i++) emitter.emit('message', VALUE)
    for (let i = 0; i < count; i++) sum += (await events.next()).value[0][0]
    await events.return()
  }
}

const CELLS = [
  { name: 'single, value not looked at', unit: 'ns/message', goal: 60, count: 200_000, contestants: [single, fastqPromise, fastqCallback, denque] },
  { name: 'single, value as a Buffer', unit: 'ns/message', goal: 250, count: 200_000, contestants: [withValue, fastqPromise, fastqCallback, denque] },
  { name: 'batch 64, packed', unit: 'ns/message', goal: 40, count: 640_000, contestants: [packed, denque] },
  { name: 'batch 64, values as Buffers', unit: 'ns/message', goal: 250, count: 320_000, contestants: [batched, denque] },
  { name: 'await of each', unit: 'ns/message', goal: 320, count: 100_000, contestants: [awaited, eventsOn, fastqPromise] }
]

module.exports = { CELLS }
