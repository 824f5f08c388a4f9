'use strict'
// A task queue: forms of arguments, waiting, iteration.

const argument = require('./argument.js')
const codec = require('./codec.js')
const { Consumer } = require('./consumer.js')
const data = require('./data.js')
const { RingmainError, invalid, tooLarge } = require('./errors.js')
const { sendSoon } = require('./flight.js')
const hot = require('./hot.js')
const {
  ACK, FAIL, PackedJobs, RELEASE, jobAt, jobsFrom, peekedOf, settleMany, settleManyAsync
} = require('./job.js')
const { DeadLetters } = require('./letters.js')
const { limits } = require('./native.js')
const { Line, Receipt } = require('./receipt.js')
const { Poller, WAIT_OPTIONS, block } = require('./wait.js')

const SEND_OPTIONS = ['key', 'headers', 'delayMs', 'eventTimeNs', 'durability', ...codec.TASK_OPTIONS]
const SEND_MANY_OPTIONS = ['value', ...SEND_OPTIONS]
const GATHER_OPTIONS = ['countMin', 'bytesMax', 'leaseMs']
const RECEIVE_MANY_OPTIONS = [...WAIT_OPTIONS, ...GATHER_OPTIONS]
const JOBS_OPTIONS = ['signal', 'unref', 'prefetch']

// How long a receive that takes a thread of the pool takes it at a time.
const GATHER_MS = 500

class Queue {
  #hub
  #native
  #number
  #poller
  // What its jobs have of it.
  #shared
  #deadLetters
  #line = new Line()

  constructor(hub, native, name) {
    this.#hub = hub
    this.#native = native
    this.#number = native.number()
    this.#shared = { native, name, number: this.#number }
    this.#poller = new Poller(hub, { poll: (count, _port, token) => this.#poll(count, token) })
  }

  get name() {
    return this.#shared.name
  }

  send(value, options) {
    if (options === undefined) {
      if (hot.put(value)) return hot.send(this.#number)
      // Long ones are not copied here.
      if (value instanceof Uint8Array) return hot.sendPacked(this.#number, value, Uint32Array.of(0, value.length), 1, new Float64Array(1))[0]
    }
    return hot.sendMessage(this.#number, codec.outgoing(value, argument.options(options, SEND_OPTIONS)))
  }

  async sendAsync(value, options) {
    return (await sendSoon(this.#shared, this.#pack(value, options), 1))[0]
  }

  sendMany(messages) {
    if (Array.isArray(messages)) {
      const ids = this.#sendPlain(messages)
      if (ids !== null) return ids
    }
    const { packed, count } = codec.packCounted(messages, SEND_MANY_OPTIONS)
    return Array.from(hot.sendMany(this.#number, packed, count))
  }

  async sendManyAsync(messages) {
    const { packed, count } = codec.packCounted(messages, SEND_MANY_OPTIONS)
    return Array.from(await sendSoon(this.#shared, packed, count))
  }

  sendPacked(values, offsets) {
    if (!(values instanceof Uint8Array)) throw invalid('values', `a Uint8Array is needed, not ${argument.shown(values)}`)
    if (!(offsets instanceof Uint32Array) || offsets.length === 0) {
      throw invalid('offsets', `a Uint32Array of at least one is needed, not ${argument.shown(offsets)}`)
    }
    const count = offsets.length - 1
    return hot.sendPacked(this.#number, values, offsets, count, new Float64Array(count))
  }

  sendUnique(value, options) {
    return this.#native.sendUnique(this.#pack(value, options))
  }

  async sendUniqueAsync(value, options) {
    return this.#native.sendUniqueAsync(this.#pack(value, options))
  }

  submit(value, options) {
    const { id, isReached } = this.#native.submit(this.#pack(value, options), this.#line.native)
    return new Receipt(this.#line, id, isReached)
  }

  #pack(value, options) {
    return codec.pack(value, argument.options(options, SEND_OPTIONS))
  }

  // Sends values without options; their ids, or null if there are others among them.
  #sendPlain(messages) {
    const count = messages.length
    if (count > limits.batchRecordsMax) return null
    let bytes = 0
    for (const value of messages) {
      if (!(value instanceof Uint8Array)) return null
      bytes += value.length
    }
    if (bytes > limits.batchBytesMax) throw tooLarge('batch', bytes, limits.batchBytesMax)
    const { values, offsets } = scratchOf(bytes, count)
    let at = 0
    for (let index = 0; index < count; index++) {
      values.set(messages[index], at)
      at += messages[index].length
      offsets[index + 1] = at
    }
    const ids = hot.sendPacked(this.#number, values, offsets, count, new Float64Array(count))
    const numbers = new Array(count)
    for (let index = 0; index < count; index++) numbers[index] = ids[index]
    return numbers
  }

  tryReceive() {
    return hot.receive(this.#number, 1, 0) === 0 ? null : this.#received()
  }

  #received() {
    const start = hot.collect()
    return jobAt(this.#shared, hot.foundIn(), start, start === 0)
  }

  tryReceiveMany(count) {
    return this.#take(argument.count(count), 0) ?? []
  }

  #take(count, waitMs) {
    const taken = hot.receive(this.#number, count, waitMs)
    return taken === 0 ? null : jobsFrom(this.#shared, hot.collect(), taken)
  }

  #poll(count, token) {
    const taken = hot.poll(this.#number, count, token)
    return taken === 0 ? null : jobsFrom(this.#shared, hot.collect(), taken)
  }

  async receive(options) {
    if (options === undefined && this.#poller.isIdle && hot.receive(this.#number, 1, 0) === 1) return this.#received()
    const jobs = await this.#poller.wait(1, options)
    return jobs === null ? null : jobs[0]
  }

  async receiveMany(count, options) {
    argument.count(count)
    if (options === undefined && this.#poller.isIdle) {
      const jobs = this.#take(count, 0)
      if (jobs !== null) return jobs
    }
    const { countMin, bytesMax, leaseMs, ...waiting } = argument.options(options, RECEIVE_MANY_OPTIONS)
    if (countMin === undefined && bytesMax === undefined && leaseMs === undefined) {
      return (await this.#poller.wait(count, waiting)) ?? []
    }
    return this.#gatherAsync({ count, countMin, bytesMax, leaseMs }, waiting)
  }

  receiveSync(timeoutMs = Infinity) {
    const jobs = block(timeoutMs, (sliceMs) => this.#take(1, sliceMs))
    return jobs === null ? null : jobs[0]
  }

  receiveManySync(count, timeoutMs = Infinity, options) {
    argument.count(count)
    const gather = argument.options(options, GATHER_OPTIONS)
    if (options === undefined) return block(timeoutMs, (sliceMs) => this.#take(count, sliceMs)) ?? []
    const jobs = []
    block(timeoutMs, (waitMs) => this.#gathered(jobs, this.#native.gather({ ...rest(gather, count, jobs), waitMs })))
    return jobs
  }

  // Takes over what was gathered; null as long as it is not enough.
  #gathered(jobs, { count, bytes, stash }, countMin = 1) {
    if (count > 0) jobs.push(...jobsFrom(this.#shared, hot.fetch(stash, bytes), count))
    return jobs.length >= countMin ? jobs : null
  }

  // Receives that the core only knows as blocking ones take a thread of Node's pool, for a while at a time.
  async #gatherAsync(gather, { timeoutMs = Infinity, signal }) {
    const end = performance.now() + argument.wait('timeoutMs', timeoutMs)
    const jobs = []
    try {
      for (;;) {
        signal?.throwIfAborted()
        const leftMs = Math.max(0, end - performance.now())
        const waitMs = Math.min(leftMs, GATHER_MS)
        const taken = await this.#native.gatherAsync({ ...rest(gather, gather.count, jobs), waitMs })
        const isEnough = this.#gathered(jobs, taken, gather.countMin) !== null
        if (isEnough || leftMs <= waitMs) {
          signal?.throwIfAborted()
          return jobs
        }
      }
    } catch (error) {
      // Nobody gets them.
      for (const job of jobs) job[Symbol.dispose]()
      throw error
    }
  }

  receiveDeferred(id) {
    const { count, bytes, stash } = this.#native.receiveDeferred(argument.number('id', id))
    return count === 0 ? null : jobsFrom(this.#shared, hot.fetch(stash, bytes), count)[0]
  }

  receivePacked(values, offsets) {
    if (!(values instanceof Uint8Array)) throw invalid('values', `a Uint8Array is needed, not ${argument.shown(values)}`)
    if (!(offsets instanceof Uint32Array) || offsets.length < 2) {
      throw invalid('offsets', `a Uint32Array of at least two is needed, not ${argument.shown(offsets)}`)
    }
    const count = hot.receivePacked(this.#number, Math.min(offsets.length - 1, limits.receiveCountMax), values, offsets)
    return count === 0 ? null : new PackedJobs(this.#shared, count)
  }

  ackMany(jobs) {
    return settleMany(this.#shared, ACK, jobs)
  }

  failMany(jobs, reason) {
    return settleMany(this.#shared, FAIL, jobs, argument.reason(reason))
  }

  releaseMany(jobs) {
    return settleMany(this.#shared, RELEASE, jobs)
  }

  async ackManyAsync(jobs) {
    return settleManyAsync(this.#shared, ACK, jobs)
  }

  async failManyAsync(jobs, reason) {
    return settleManyAsync(this.#shared, FAIL, jobs, argument.reason(reason))
  }

  async releaseManyAsync(jobs) {
    return settleManyAsync(this.#shared, RELEASE, jobs)
  }

  peek(count = 1, fromId = 0) {
    return peekedOf(this.#native.peek(argument.number('fromId', fromId), argument.count(count)))
  }

  // A verb that is not hot, blocking.
  #call(verb, options) {
    return data.unpack(this.#native.call(verb, data.pack(options)))
  }

  async #callAsync(verb, options) {
    return data.unpack(await this.#native.callAsync(verb, data.pack(options)))
  }

  cancel(id) {
    return this.#call('cancel', { id: argument.number('id', id) })
  }

  cancelNow(id) {
    return this.#call('cancel_now', { id: argument.number('id', id) })
  }

  reschedule(id, delayMs) {
    return this.#call('reschedule', { id: argument.number('id', id), delayMs: argument.number('delayMs', delayMs) })
  }

  rescheduleAt(id, timeNs) {
    return this.#call('reschedule_at', { id: argument.number('id', id), timeNs: argument.timeNs('timeNs', timeNs) })
  }

  breaches() {
    return this.#call('breaches')
  }

  async purge() {
    return this.#callAsync('purge')
  }

  async purgeAll() {
    return this.#callAsync('purge_all')
  }

  get deadLetters() {
    this.#deadLetters ??= new DeadLetters(this.#native)
    return this.#deadLetters
  }

  finished(id) {
    return this.#call('finished', { id: argument.number('id', id) })
  }

  finishedFrom(fromId, countMax = 100) {
    return this.#call('finished_from', { fromId: argument.number('fromId', fromId), countMax: argument.count(countMax) })
  }

  explain(id) {
    return this.#call('explain', { id: argument.number('id', id) })
  }

  pause() {
    this.#call('pause')
  }

  resume() {
    this.#call('resume')
  }

  haltedGroups() {
    return this.#call('halted_groups')
  }

  resumeGroup(orderingKey) {
    return this.#call('resume_group', { orderingKey: argument.bytes('orderingKey', orderingKey) })
  }

  setWeight(orderingKey, weight) {
    this.#call('set_weight', { orderingKey: argument.bytes('orderingKey', orderingKey), weight })
  }

  stats() {
    return this.#call('stats')
  }

  desiredWorkers(drainMs) {
    return this.#call('desired_workers', { drainMs: argument.number('drainMs', drainMs) })
  }

  consumer(options) {
    return new Consumer(this.#hub, this.#shared, options)
  }

  // What a worker of this queue needs.
  _opened() {
    return { hub: this.#hub, native: this.#native, isDurable: this.#hub._isDurable }
  }

  async *jobs(options) {
    const { prefetch = 1, signal, unref } = argument.options(options, JOBS_OPTIONS)
    argument.count(prefetch)
    const waiting = signal === undefined && unref === undefined ? undefined : { signal, unref }
    let jobs = []
    let at = 0
    try {
      for (;;) {
        if (at === jobs.length) {
          signal?.throwIfAborted()
          jobs = await this.receiveMany(prefetch, waiting)
          at = 0
        }
        yield jobs[at++]
      }
    } catch (error) {
      // A closed hub is the ordinary end of the loop.
      if (!(error instanceof RingmainError && error.code === 'CLOSED')) throw error
    } finally {
      // Received ahead and never handed out.
      for (const job of jobs.slice(at)) job[Symbol.dispose]()
    }
  }

  [Symbol.asyncIterator]() {
    return this.jobs()
  }
}

// What is still to be gathered.
function rest({ countMin, bytesMax, leaseMs }, count, jobs) {
  const left = countMin === undefined ? undefined : Math.max(1, countMin - jobs.length)
  return { count: count - jobs.length, countMin: left, bytesMax, leaseMs }
}

// Memory that batches are put together in; kept unless a long one needed more.
const SCRATCH_BYTES = 64 << 10
const SCRATCH_COUNT = 1024
const kept = { values: Buffer.allocUnsafeSlow(SCRATCH_BYTES), offsets: new Uint32Array(SCRATCH_COUNT + 1) }

function scratchOf(bytes, count) {
  return {
    values: bytes <= SCRATCH_BYTES ? kept.values : Buffer.allocUnsafeSlow(bytes),
    offsets: count <= SCRATCH_COUNT ? kept.offsets : new Uint32Array(count + 1)
  }
}

module.exports = { Queue }
