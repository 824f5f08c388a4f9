'use strict'
// A worker of a stream: runs an async handler on each record, as one member of a group.
//
// In order within a partition unless told otherwise. A record is marked as done after its handler, or when it was given up and skipped or
// handed over; what is done is committed when there is nothing to do, and after COMMIT_COUNT records or COMMIT_MS. A guard of the native
// half says all the time that something runs, so that a blocked event loop loses no partition.

const { EventEmitter } = require('node:events')
const argument = require('../argument.js')
const { RingmainError, invalid } = require('../errors.js')
const { Lane } = require('./lane.js')
const { RESETS } = require('./start.js')

const WORKER_OPTIONS = [
  'concurrency', 'parallel', 'batch', 'batchWaitMs', 'retry', 'maxFailures', 'skipFailed', 'handOverTo', 'start',
  'onOutOfRange', 'memberName', 'sessionTimeoutMs', 'revokeTimeoutMs', 'unref'
]
const RETRY_OPTIONS = ['firstMs', 'maxMs']
const CLOSE_TIMEOUT_MS = 30_000
const COMMIT_COUNT = 1024
const COMMIT_MS = 100
const POLL_COUNT = 500
// Records that wait at most, over all partitions, before nothing more is polled.
const WAITING_COUNT_MAX = 10_000
const HANDLER_COUNT_MAX = 1024
// Why a poll ends early.
const WOKEN = Symbol('woken')

class StreamWorker extends EventEmitter {
  #stream
  #group
  #handler
  #options
  #rules
  #member
  #processing
  #lanes = new Map()
  #revoked = new Set()
  #running = 0
  #done = []
  #committedAt = 0
  #timer
  #isPaused = false
  #isClosing = false
  #error
  #abort = new AbortController()
  #polling = new AbortController()
  #turn
  // Something has happened since the last look.
  #isWoken = false
  #isDrained = true
  #stats = { doneTotal: 0, failedTotal: 0, handedOverTotal: 0, skippedTotal: 0, outOfRangeTotal: 0, lostTotal: 0 }
  #ended

  constructor(stream, group, handler, given) {
    super()
    const options = argument.options(given, WORKER_OPTIONS)
    const { concurrency = 1, parallel = 1, batch = 1, batchWaitMs = 0, maxFailures = 5, skipFailed = false } = options
    const { firstMs = 1000, maxMs = 60_000 } = argument.options(options.retry, RETRY_OPTIONS)
    count('concurrency', concurrency, HANDLER_COUNT_MAX)
    count('parallel', parallel, HANDLER_COUNT_MAX)
    count('batch', batch, 65_536)
    count('maxFailures', maxFailures, 2 ** 32 - 1)
    for (const [name, value] of Object.entries({ batchWaitMs, firstMs, maxMs })) argument.wait(name, value)
    if (options.onOutOfRange !== undefined) argument.word('onOutOfRange', options.onOutOfRange, RESETS)
    if (argument.callback('handOverTo', options.handOverTo) && skipFailed) {
      throw invalid('skipFailed', 'handOverTo is given too; give one of the two')
    }
    if (typeof handler !== 'function') throw invalid('handler', `a function is needed, not ${argument.shown(handler)}`)
    this.#stream = stream
    this.#group = argument.text('group', group)
    this.#handler = handler
    this.#options = { ...options, concurrency, maxFailures, skipFailed, firstMs, maxMs, isBatch: options.batch !== undefined }
    this.#rules = { batch, batchWaitMs, parallel }
    this.#ended = this.#run()
  }

  get error() {
    return this.#error
  }

  stats() {
    let waiting = 0
    for (const lane of this.#lanes.values()) waiting += lane.waiting
    return { waiting, running: this.#running, ...this.#stats }
  }

  pause() {
    this.#isPaused = true
  }

  resume() {
    this.#isPaused = false
    this.#wake()
  }

  // Begins nothing any more, waits for the handlers that run, commits what they have handled, and leaves the group.
  async close(given) {
    const { timeoutMs = CLOSE_TIMEOUT_MS, force = false } = argument.options(given, ['timeoutMs', 'force'])
    argument.wait('timeoutMs', timeoutMs)
    this.#isClosing = true
    if (force) this.#abort.abort(new RingmainError('CLOSED', 'the worker is closed'))
    this.#wake()
    let timer
    const late = new Promise((resolve) => {
      if (timeoutMs < 2 ** 31) timer = setTimeout(resolve, timeoutMs, true)
    })
    const isLate = await Promise.race([this.#ended, late])
    clearTimeout(timer)
    if (isLate !== true) return
    this.#abort.abort(new RingmainError('CLOSED', 'the worker is closed'))
    throw new RingmainError('TIMEOUT', 'timed out while waiting for the handlers of a worker')
  }

  async [Symbol.asyncDispose]() {
    await this.close()
  }

  async #run() {
    try {
      await this.#join()
      while (!this.#isClosing) await this.#step()
    } catch (error) {
      this.#stop(error)
    }
    await this.#end()
    if (this.#error !== undefined && this.listenerCount('error') > 0) this.emit('error', this.#error)
    this.emit('closed')
  }

  async #join() {
    const { start, onOutOfRange, memberName, sessionTimeoutMs, revokeTimeoutMs } = this.#options
    const given = { start, onOutOfRange, memberName, sessionTimeoutMs, revokeTimeoutMs }
    this.#member = await this.#stream.group(this.#group).joinAsync({
      ...given,
      onAssign: (partitions) => partitions.forEach((partition) => this.#lanes.delete(partition)),
      onRevoke: (partitions) => this.#stopLanes(partitions, true),
      onLost: (partitions) => this.#stopLanes(partitions, false)
    })
    this.#processing = this.#member.processing()
  }

  // Begins what may begin, commits, and waits for records, a handler, or a time.
  async #step() {
    this.#isWoken = false
    this.#begin()
    if (this.#isCommitDue()) await this.#commit()
    // What came meanwhile is looked at first.
    if (this.#isWoken || this.#isClosing) return
    const now = performance.now()
    let next = this.#done.length > 0 ? this.#committedAt + COMMIT_MS : Infinity
    let waiting = 0
    for (const lane of this.#lanes.values()) {
      waiting += lane.waiting
      if (this.#running < this.#options.concurrency && !this.#isPaused) next = Math.min(next, lane.next(now))
    }
    const isDrained = waiting === 0 && this.#running === 0
    if (isDrained && !this.#isDrained) this.emit('drained')
    this.#isDrained = isDrained
    await (!this.#isPaused && waiting < WAITING_COUNT_MAX ? this.#poll(next - now) : this.#rest(next - now))
  }

  // A poll that ends when there are records, when a handler ends, and at the next time that something is due.
  async #poll(timeoutMs) {
    this.#polling = new AbortController()
    const { signal } = this.#polling
    const { unref } = this.#options
    try {
      const records = await this.#member.poll(POLL_COUNT, { signal, timeoutMs: Math.max(0, timeoutMs), unref })
      const now = performance.now()
      if (records.length > 0) this.#isDrained = false
      for (const record of records) this.#lane(record.partition).push(record, now)
    } catch (error) {
      if (error instanceof RingmainError && error.code === 'OUT_OF_RANGE' && goesOn(this.#options)) {
        this.#stats.outOfRangeTotal++
      } else if (error !== WOKEN) {
        throw error
      }
    }
  }

  #rest(timeoutMs) {
    return new Promise((resolve) => {
      this.#turn = resolve
      if (timeoutMs < 2 ** 31) this.#timer = setTimeout(() => this.#wake(), Math.max(0, timeoutMs))
      if (this.#options.unref) this.#timer?.unref()
    })
  }

  // Something has happened: whatever is waited for ends.
  #wake() {
    this.#isWoken = true
    clearTimeout(this.#timer)
    const turn = this.#turn
    this.#turn = undefined
    turn?.()
    this.#polling.abort(WOKEN)
  }

  #lane(partition) {
    let lane = this.#lanes.get(partition)
    if (lane === undefined) this.#lanes.set(partition, (lane = new Lane(partition, this.#rules)))
    return lane
  }

  #begin() {
    if (this.#isPaused || this.#isClosing) return
    const now = performance.now()
    for (const lane of this.#lanes.values()) {
      for (let taken; this.#running < this.#options.concurrency && (taken = lane.take(now)) !== null;) {
        this.#running++
        this.#handle(lane, taken).catch((error) => this.#stop(error)).finally(() => {
          this.#running--
          lane.ended()
          this.#begin()
          // Otherwise the poll goes on as it is.
          const hasToLook = this.#isClosing || this.#isCommitDue() || lane.next(performance.now()) < Infinity
          if (this.#turn !== undefined || hasToLook) this.#wake()
        })
      }
    }
  }

  // Runs the handler on what was taken of a lane. Never fails because of the handler.
  async #handle(lane, taken) {
    const records = taken.map(({ record }) => record)
    try {
      const context = { signal: this.#abort.signal, failures: taken[0].failures }
      await this.#handler(this.#options.isBatch ? records : records[0], context)
    } catch (error) {
      return this.#failed(lane, taken, error)
    }
    this.#finish(lane, records)
    this.#stats.doneTotal += records.length
    for (const record of records) this.emit('completed', record)
  }

  async #failed(lane, taken, error) {
    this.#stats.failedTotal += taken.length
    for (const one of taken) {
      one.failures++
      this.emit('failed', one.record, error)
    }
    if (lane.isStopped) return
    const { maxFailures, firstMs, maxMs, skipFailed, handOverTo } = this.#options
    const { failures } = taken[0]
    if (failures < maxFailures) {
      return lane.rest(taken, performance.now() + Math.min(maxMs, firstMs * 2 ** (failures - 1)))
    }
    const records = taken.map(({ record }) => record)
    const reason = error instanceof Error ? String(error) : argument.shown(error)
    if (handOverTo !== undefined) {
      for (const record of records) await handOverTo(record, reason)
      this.#stats.handedOverTotal += records.length
    } else if (skipFailed) {
      this.#stats.skippedTotal += records.length
    } else {
      const { partition, offset } = records[0]
      const where = `partition ${partition}, offset ${offset} of stream ${this.#stream.name}`
      const told = `the handler of group ${this.#group} has failed ${failures} times at ${where}: ${reason}`
      const advice = 'give skipFailed or handOverTo to go on without such a record'
      throw new RingmainError('HANDLER_FAILED', `${told}; ${advice}`, { cause: error })
    }
    this.#finish(lane, records)
  }

  #finish(lane, records) {
    // Handled while somebody else got the partition: that one handles it again.
    if (this.#lanes.get(lane.partition) !== lane) this.#stats.lostTotal += records.length
    else for (const record of records) this.#done.push(record.partition, record.offset, record._doneFrom)
  }

  #isCommitDue() {
    if (this.#revoked.size > 0) return true
    if (this.#done.length === 0) return false
    return this.#running === 0 || this.#done.length >= 3 * COMMIT_COUNT || performance.now() >= this.#committedAt + COMMIT_MS
  }

  // Commits what is done, and lets go of partitions that were asked for and of which nothing runs any more.
  async #commit() {
    if (this.#done.length > 0) {
      const { looked, lost } = this.#member._doneMany(Float64Array.from(this.#done))
      this.#done.splice(0, 3 * looked)
      this.#stats.lostTotal += lost
      this.#committedAt = performance.now()
      await this.#member.commitDoneAsync().catch((error) => {
        // What went to somebody else meanwhile is handled again there; a member that was replaced the next poll tells of.
        if (error.code !== 'FENCED') throw error
      })
    }
    for (const partition of this.#revoked) {
      const lane = this.#lanes.get(partition)
      if (lane !== undefined && lane.running > 0) continue
      this.#revoked.delete(partition)
      this.#lanes.delete(partition)
      if (this.#member.revoking().includes(partition)) this.#member.confirmRevoke(partition)
    }
  }

  #stopLanes(partitions, isAsked) {
    for (const partition of partitions) {
      this.#lanes.get(partition)?.stop()
      if (isAsked) this.#revoked.add(partition)
      else this.#lanes.delete(partition)
    }
    // Within a poll: it is let go of after that.
    setImmediate(() => this.#wake())
  }

  // Ends it because of an error.
  #stop(error) {
    this.#error ??= error
    this.#isClosing = true
    this.#wake()
  }

  // Waits for the handlers that run, commits, and leaves.
  async #end() {
    while (this.#running > 0) await this.#rest(Infinity)
    try {
      if (this.#member !== undefined) await this.#commit()
    } catch (error) {
      this.#error ??= error
    }
    this.#processing?.end()
    this.#member?.[Symbol.dispose]()
  }
}

const goesOn = ({ onOutOfRange = 'fail' }) => onOutOfRange !== 'fail'

function count(name, value, most) {
  if (Number.isInteger(value) && value >= 1 && value <= most) return
  throw invalid(name, `${argument.shown(value)} is not a whole number from 1 to ${most}`)
}

module.exports = { StreamWorker }
