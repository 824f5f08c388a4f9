'use strict'
// The hub: where queues and streams live.

const { fileURLToPath } = require('node:url')
const argument = require('./argument.js')
const { ManualClock } = require('./clock.js')
const { headerPairs, isBare } = require('./codec.js')
const data = require('./data.js')
const { invalid } = require('./errors.js')
const { openHub } = require('./native.js')
const { Queue } = require('./queue.js')
const { snapshot } = require('./snapshot.js')
const { Stream, streamOptions } = require('./stream/index.js')
const { refuseAll } = require('./wait.js')

const CLOSE_TIMEOUT_MS = 5_000

class Hub {
  #native
  #closed = false
  // The end of the first close; later ones wait for it too.
  #closing

  #clock

  constructor(path, options, clock) {
    this.#native = openHub(path, data.pack(options))
    this._isDurable = path !== undefined && !path.startsWith('memory:')
    this.#clock = clock
    clock?._join(this, (byMs) => this.#call('advance', { byMs }))
  }

  // A verb that is not hot, blocking.
  #call(verb, options) {
    return data.unpack(this.#native.call(verb, data.pack(options)))
  }

  async #callAsync(verb, options) {
    return data.unpack(await this.#native.callAsync(verb, data.pack(options)))
  }

  get closed() {
    return this.#closed
  }

  queue(name, options) {
    argument.text('name', name)
    return new Queue(this, this.#native.queue(name, data.pack(argument.object(options))), name)
  }

  stream(name, options) {
    argument.text('name', name)
    return new Stream(this, this.#native.stream(name, streamOptions(options)), name)
  }

  async streamAsync(name, options) {
    argument.text('name', name)
    return new Stream(this, await this.#native.streamAsync(name, streamOptions(options)), name)
  }

  queues() {
    return this.#call('queues')
  }

  streams() {
    return this.#call('streams')
  }

  queueInfo(name) {
    return this.#call('queue_info', { name: argument.text('name', name) })
  }

  streamInfo(name) {
    return this.#call('stream_info', { name: argument.text('name', name) })
  }

  async deleteQueue(name) {
    await this.#callAsync('delete_queue', { name: argument.text('name', name) })
  }

  async deleteStream(name) {
    await this.#callAsync('delete_stream', { name: argument.text('name', name) })
  }

  flush() {
    this.#call('flush')
  }

  async flushAsync() {
    await this.#callAsync('flush')
  }

  get nowNs() {
    return this.#call('now').timeNs
  }

  stats() {
    const { queues, streams, ...others } = this.#call('stats')
    const named = (all) => Object.fromEntries(all.map(({ name, ...counts }) => [name, counts]))
    return { queues: named(queues), streams: named(streams), ...others }
  }

  prometheus() {
    return this.#call('prometheus')
  }

  async snapshot(into, options) {
    const { signal, onProgress } = argument.options(options, ['signal', 'onProgress'])
    return snapshot(this.#native, argument.text('into', into), signal, onProgress)
  }

  schedule(name, options) {
    argument.text('name', name)
    const { cron, timeZone, missed, queue, message } = argument.options(options, SCHEDULE_OPTIONS)
    const to = typeof queue === 'object' ? queue?.name : queue
    this.#call('schedule_open', { name, cron, timeZone, missed, queue: to, message: messageOf(message) })
    return new Schedule(name, (verb) => this.#call(verb, { name }))
  }

  schedules() {
    return this.#call('schedules')
  }

  async close(options) {
    const { timeoutMs = CLOSE_TIMEOUT_MS } = argument.options(options, ['timeoutMs'])
    argument.number('timeoutMs', timeoutMs)
    if (!this.#closed) {
      this.#closing = this.#native.closeAsync(timeoutMs)
      this.#shut()
    }
    return this.#closing
  }

  #shut() {
    this.#closed = true
    this.#clock?._leave(this)
    refuseAll(this)
  }

  async [Symbol.asyncDispose]() {
    if (!this.#closed) await this.close()
  }

  [Symbol.dispose]() {
    if (this.#closed) return
    this.#native.close(CLOSE_TIMEOUT_MS)
    this.#shut()
  }
}

function open(path, options) {
  const { clock, ...others } = argument.object(options)
  if (clock !== undefined && !(clock instanceof ManualClock)) throw invalid('clock', 'a ManualClock is needed')
  const text = path instanceof URL ? fileURLToPath(path) : path
  if (text !== undefined) argument.text('path', text)
  return new Hub(text, clock === undefined ? others : { ...others, manualClock: true }, clock)
}

const SCHEDULE_OPTIONS = ['cron', 'timeZone', 'missed', 'queue', 'message']
const MESSAGE_OPTIONS = ['value', 'key', 'headers', 'delayMs', 'priority', 'ttlMs', 'orderingKey']

// A message that a schedule sends, as the surface takes it.
function messageOf(given) {
  if (given === undefined) return undefined
  const bytes = (name, value) => (value === undefined ? undefined : argument.bytes(name, value))
  const { value, key, headers, orderingKey, ...others } = isBare(given) ? { value: given } : argument.options(given, MESSAGE_OPTIONS)
  return {
    ...others,
    value: argument.bytes('value', value),
    key: bytes('key', key),
    orderingKey: bytes('orderingKey', orderingKey),
    headers: headerPairs(headers).map(([name, value]) => ({ name: Buffer.from(name).toString(), value }))
  }
}

// A message that the hub sends to a queue by itself.
class Schedule {
  #name
  #call

  constructor(name, call) {
    this.#name = name
    this.#call = call
  }

  get name() {
    return this.#name
  }

  info() {
    return this.#call('schedule_info')
  }

  pause() {
    this.#call('schedule_pause')
  }

  resume() {
    this.#call('schedule_resume')
  }

  delete() {
    this.#call('schedule_delete')
  }
}

module.exports = { Hub, Schedule, open }
