'use strict'
// Messages of a queue: leased (Job), leased together (PackedJobs), or only looked at (Peeked).

const argument = require('./argument.js')
const { FIXED_OUT_BYTES, Received, unpack } = require('./codec.js')
const { RingmainError, invalid, tooLarge } = require('./errors.js')
const hot = require('./hot.js')
const { limits } = require('./native.js')

// The numbers of the verbs in src/hot/settle.rs.
const ACK = 0
const FAIL = 1
const RELEASE = 2
const REJECT = 3
const EXTEND = 4
const RATE_LIMITED = 5
const DEFER = 6

// Not a number means that there is none, where the native half takes it.
const span = (name, ms) => (Number.isNaN(argument.number(name, ms)) ? -1 : ms)

function delayOf(options) {
  const { delayMs } = argument.options(options, ['delayMs'])
  return delayMs === undefined ? undefined : span('delayMs', delayMs)
}

function failureOf(options) {
  const { delayMs, class: name } = argument.options(options, ['delayMs', 'class'])
  if (name === undefined) return { delayMs: delayMs === undefined ? undefined : span('delayMs', delayMs) }
  if (delayMs !== undefined) throw invalid('delayMs', 'class is given too; the queue says what becomes of a class')
  return { className: argument.text('class', name) }
}

function resultOf(result) {
  const bytes = argument.bytes('result', result)
  // Checked here too: it crosses in a window that is not long.
  if (bytes.length > limits.resultBytesMax) throw tooLarge('result', bytes.length, limits.resultBytesMax)
  return bytes
}

class Peeked extends Received {
  get id() {
    return this._number
  }

  get attempts() {
    return this._first
  }

  get failures() {
    return this._second
  }
}

// Jobs and packed jobs that nobody holds any more and nobody settled are released.
const collected = new FinalizationRegistry(([slot, generation]) => hot.drop(slot, generation))

// To be told of each job's end costs as much as to receive it, and most are settled at once. So those that were just received are
// held here, and only those that are not settled by the next turn of the event loop, or when many more have come, are registered.
const YOUNG_COUNT_MAX = 256
const young = []
let isSweeping = false

function sweep() {
  isSweeping = false
  for (const job of young) job._watch()
  young.length = 0
}

function watchLater(job) {
  if (young.push(job) >= YOUNG_COUNT_MAX) {
    // The older half: the others may be a batch that is just being settled.
    for (const old of young.splice(0, YOUNG_COUNT_MAX / 2)) old._watch()
  }
  if (!isSweeping) {
    isSweeping = true
    setImmediate(sweep).unref()
  }
}

class Job extends Peeked {
  constructor(packed, at, alone, queue, slot, generation) {
    super(packed, at, alone)
    this._queue = queue
    this._slot = slot
    this._generation = generation
    // undefined while leased as far as is known here, then 'acked' or 'lost'.
    this._outcome = undefined
    this._isWatched = false
    watchLater(this)
  }

  get value() {
    this._value ??= this._alone ? this._bytes('value') : this._copied()
    return this._value
  }

  _copied() {
    const word = this._at >>> 2
    const { words } = this._packed
    const start = this._at + FIXED_OUT_BYTES + words[word + 10] + words[word + 11]
    const bytes = words[word + 12]
    const value = Buffer.allocUnsafe(bytes)
    this._packed.copy(value, 0, start, start + bytes)
    return value
  }

  _watch() {
    if (this._outcome !== undefined) return
    this._isWatched = true
    collected.register(this, [this._slot, this._generation], this)
  }

  _lost() {
    return new RingmainError('LEASE_LOST', `lease lost: message ${this.id} of queue ${this._queue.name}, ` +
      `attempt ${this.attempts}, is no longer leased to this delivery`)
  }

  _finish(outcome) {
    if (this._outcome !== undefined) return
    this._outcome = outcome
    if (this._isWatched) collected.unregister(this)
  }

  _finishIfLost(error) {
    if (error instanceof RingmainError && error.code === 'LEASE_LOST') this._finish('lost')
    return error
  }

  // Whether a verb has nothing to do, because the job is acked already; throws if it has no lease any more.
  _isDone(verb) {
    if (this._outcome === undefined) return false
    if (this._outcome === 'acked' && verb === ACK) return true
    throw this._lost()
  }

  _settle(verb, text, className, ms) {
    if (this._isDone(verb)) return
    try {
      hot.settle(this._queue.number, this._slot, this._generation, verb, text, className, ms)
    } catch (error) {
      throw this._finishIfLost(error)
    }
    if (verb !== EXTEND) this._finish(verb === ACK ? 'acked' : 'lost')
  }

  async _settleAsync(verb, text, className, ms) {
    if (this._isDone(verb)) return
    const bytes = (value) => (typeof value === 'string' ? Buffer.from(value) : value && Buffer.from(value))
    try {
      await this._queue.native.settleAsync(this._slot, this._generation, verb, bytes(text), bytes(className), ms)
    } catch (error) {
      this._finishIfLost(error)
      if (this._outcome !== undefined) hot.drop(this._slot, this._generation)
      throw error
    }
    if (verb === EXTEND) return
    this._finish(verb === ACK ? 'acked' : 'lost')
    hot.drop(this._slot, this._generation)
  }

  ack(result) {
    if (result !== undefined) return this._settle(ACK, resultOf(result), '')
    if (this._isDone(ACK)) return
    try {
      hot.ack(this._queue.number, this._slot, this._generation)
    } catch (error) {
      throw this._finishIfLost(error)
    }
    this._finish('acked')
  }

  fail(reason, options) {
    const { className, delayMs } = failureOf(options)
    this._settle(FAIL, argument.reason(reason), className, delayMs)
  }

  release(options) {
    this._settle(RELEASE, undefined, undefined, delayOf(options))
  }

  reject(reason) {
    this._settle(REJECT, argument.reason(reason))
  }

  extend(ms) {
    this._settle(EXTEND, undefined, undefined, span('ms', ms))
  }

  rateLimited(retryAfterMs) {
    this._settle(RATE_LIMITED, undefined, undefined, span('retryAfterMs', retryAfterMs))
  }

  defer() {
    this._settle(DEFER)
  }

  isCancelled() {
    return this._outcome === undefined && hot.isCancelled(this._slot, this._generation)
  }

  async ackAsync(result) {
    if (result === undefined) return this._settleAsync(ACK)
    return this._settleAsync(ACK, resultOf(result), Buffer.alloc(0))
  }

  async failAsync(reason, options) {
    const { className, delayMs } = failureOf(options)
    return this._settleAsync(FAIL, argument.reason(reason), className, delayMs)
  }

  async releaseAsync(options) {
    return this._settleAsync(RELEASE, undefined, undefined, delayOf(options))
  }

  async rejectAsync(reason) {
    return this._settleAsync(REJECT, argument.reason(reason))
  }

  async extendAsync(ms) {
    return this._settleAsync(EXTEND, undefined, undefined, span('ms', ms))
  }

  async rateLimitedAsync(retryAfterMs) {
    return this._settleAsync(RATE_LIMITED, undefined, undefined, span('retryAfterMs', retryAfterMs))
  }

  async deferAsync() {
    return this._settleAsync(DEFER)
  }

  [Symbol.dispose]() {
    if (this._outcome !== undefined) return
    try {
      this.release()
    } catch (error) {
      ignoreOver(error)
    }
  }
}

// Its lease expired, or its hub is closed, which has released it.
function ignoreOver(error) {
  if (!(error instanceof RingmainError) || !['LEASE_LOST', 'CLOSED'].includes(error.code)) throw error
}

const failureFrom = ({ code, message }) => new RingmainError(code, message)

function checkJobs(queue, jobs) {
  if (!Array.isArray(jobs)) throw invalid('jobs', `an array is needed, not ${argument.shown(jobs)}`)
  for (const job of jobs) {
    if (!(job instanceof Job) || job._queue === undefined) throw invalid('jobs', 'each must be a Job')
    if (job._queue.name !== queue.name) {
      throw invalid('jobs', `message ${job.id} is of queue ${job._queue.name}, not of ${queue.name}`)
    }
  }
}

const isOpen = (job) => job._outcome === undefined

// Those that may still be settled, each once.
const openOf = (jobs) => [...new Set(jobs.filter(isOpen))]

function placesOf(jobs) {
  const places = new Uint32Array(2 * jobs.length)
  for (let index = 0; index < jobs.length; index++) {
    places[2 * index] = jobs[index]._slot
    places[2 * index + 1] = jobs[index]._generation
  }
  return places
}

// What became of each: null, or why it could not be settled.
function settled(verb, jobs, open, failures) {
  const errors = new Map(failures.map((failure) => {
    const job = open[failure.index]
    return [job, job._finishIfLost(failureFrom(failure))]
  }))
  const already = (job) => (job._outcome === 'acked' && verb === ACK ? null : job._lost())
  const results = jobs.map((job) => errors.get(job) ?? (isOpen(job) ? null : already(job)))
  for (const job of open) if (!errors.has(job)) job._finish(verb === ACK ? 'acked' : 'lost')
  return results
}

// Settles many jobs of one queue with one commit; for each null, or why not.
function settleMany(queue, verb, jobs, reason) {
  checkJobs(queue, jobs)
  const open = openOf(jobs)
  const count = hot.settleMany(queue.number, placesOf(open), verb, reason)
  return settled(verb, jobs, open, count === 0 ? [] : queue.native.failures())
}

async function settleManyAsync(queue, verb, jobs, reason) {
  checkJobs(queue, jobs)
  const open = openOf(jobs)
  const text = reason === undefined ? undefined : Buffer.from(reason)
  const failures = await queue.native.settleManyAsync(verb, placesOf(open), text)
  const stillOpen = open.map(isOpen)
  const results = settled(verb, jobs, open, failures)
  // Those that ended just now have their slots still.
  open.forEach((job, at) => stillOpen[at] && !isOpen(job) && hot.drop(job._slot, job._generation))
  return results
}

// The messages of one packed receive: their values are in memory of the caller's.
class PackedJobs {
  #queue
  #count
  #slot
  #generation
  #left

  constructor(queue, count) {
    this.#count = count
    this.#queue = queue
    this.#slot = hot.slotOf()
    this.#generation = hot.generationOf()
    this.#left = count
    collected.register(this, [this.#slot, this.#generation], this)
  }

  get count() {
    return this.#count
  }

  #settle(verb, from, to, reason) {
    argument.index('from', from, this.#count)
    argument.index('to', to, this.#count)
    const count = hot.settlePacked(this.#queue.number, this.#slot, this.#generation, from, to, verb, reason)
    const failures = count === 0 ? [] : this.#queue.native.failures()
    this.#left -= to - from
    if (this.#left <= 0) this[Symbol.dispose]()
    return failures.map((failure) => Object.assign(failureFrom(failure), { index: from + failure.index }))
  }

  ack(from = 0, to = this.count) {
    return this.#settle(ACK, from, to)
  }

  fail(reason, from = 0, to = this.count) {
    return this.#settle(FAIL, from, to, argument.reason(reason))
  }

  release(from = 0, to = this.count) {
    return this.#settle(RELEASE, from, to)
  }

  [Symbol.dispose]() {
    collected.unregister(this)
    hot.drop(this.#slot, this.#generation)
  }
}

// Slot and generation come before each message.
const PLACE_BYTES = 8

// The job that lies in a block at a place.
function jobAt(queue, block, at, alone) {
  const word = at >>> 2
  return new Job(block, at + PLACE_BYTES, alone, queue, block.words[word], block.words[word + 1])
}

// The jobs that a call of the room has received.
function jobsFrom(queue, start, count) {
  const block = hot.foundIn()
  const jobs = new Array(count)
  for (let index = 0, at = start; index < count; index++) {
    jobs[index] = jobAt(queue, block, at, count === 1 && at === 0)
    at += PLACE_BYTES + block.words[(at + PLACE_BYTES) >>> 2]
  }
  return jobs
}

const peekedOf = (packed) => unpack(packed, (at, _index, alone) => new Peeked(packed, at, alone))

module.exports = {
  ACK, FAIL, RELEASE, Job, PackedJobs, Peeked, ignoreOver, jobAt, jobsFrom, peekedOf, settleMany, settleManyAsync
}
