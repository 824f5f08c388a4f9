'use strict'
// A worker: runs a handler on each job of a queue, several at a time, and settles it by how the handler ends.

const { EventEmitter } = require('node:events')
const argument = require('./argument.js')
const { RingmainError, invalid } = require('./errors.js')
const { ignoreOver } = require('./job.js')

const OPTIONS = [
  'concurrency', 'prefetch', 'stallMs', 'timeoutMs', 'leaseTotalMaxMs', 'classify', 'keepResults', 'paused', 'unref', 'signal'
]
const CONCURRENCY_MAX = 65_536
// How often the event loop says that it is alive, and looks for leases that were lost and jobs that were cancelled.
const BEAT_MS = 1_000
// Acks of one commit, and how long to wait after the queue refused.
const ACK_COUNT_MAX = 256
const REFUSED_MS = 1_000

const asError = (thrown) => (thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown }))
const isClosed = (error) => error instanceof RingmainError && error.code === 'CLOSED'

// A job that a handler is busy with.
class Task {
  #controller
  timer
  // The message is settled, whatever the handler still does.
  isOver = false

  constructor(job) {
    this.job = job
  }

  // Made only for handlers that ask.
  get signal() {
    this.#controller ??= new AbortController()
    return this.#controller.signal
  }

  abort(reason) {
    this.#controller ??= new AbortController()
    this.#controller.abort(reason)
  }
}

class Worker extends EventEmitter {
  #queue
  #keeper
  #consumer
  #handler
  #options
  #running = new Set()
  #acks = []
  #acking
  #isPaused
  #isClosing = false
  #hasWorked = false
  #isTaking = false
  #taking = new AbortController()
  #wake = () => {}
  #beat
  #over

  constructor(queue, handler, options) {
    super()
    if (typeof queue?._opened !== 'function') throw invalid('queue', `a Queue is needed, not ${argument.shown(queue)}`)
    if (typeof handler !== 'function') throw invalid('handler', `a function is needed, not ${argument.shown(handler)}`)
    this.#options = optionsOf(options)
    this.#queue = queue
    this.#handler = handler
    this.#isPaused = this.#options.paused
    const opened = queue._opened()
    this.#keeper = opened.native.keeper()
    if (this.#options.stallMs !== undefined) this.#keeper.stallAfter(this.#options.stallMs)
    if (opened.hub.queueInfo(queue.name).singleActiveConsumer) this.#consumer = queue.consumer()
    const beatMs = Math.min(BEAT_MS, (this.#options.stallMs ?? Infinity) / 3)
    // It is also what keeps the process alive.
    this.#beat = setInterval(() => this.#look(), beatMs)
    if (this.#options.unref) this.#beat.unref()
    this.#options.signal?.addEventListener('abort', () => this.close(), { once: true })
    this.#over = this.#run().finally(() => this.#end())
  }

  get queue() {
    return this.#queue
  }

  get isPaused() {
    return this.#isPaused
  }

  get isClosed() {
    return this.#isClosing
  }

  // How many handlers are running.
  get running() {
    return this.#running.size
  }

  pause() {
    this.#isPaused = true
    this.#interrupt()
  }

  resume() {
    this.#isPaused = false
    this.#wake()
  }

  ref() {
    this.#beat.ref()
  }

  unref() {
    this.#beat.unref()
  }

  // Waits for handlers that are running; with `force`, tells them by their signals and hands their jobs back at once.
  async close(force = false) {
    this.#isClosing = true
    this.#interrupt()
    if (force) {
      const reason = new RingmainError('CLOSED', 'worker is closed')
      for (const task of this.#running) {
        if (!task.isOver) this.#release(task)
        task.abort(reason)
      }
      this.#running.clear()
      this.#wake()
    }
    return this.#over
  }

  async [Symbol.asyncDispose]() {
    return this.close()
  }

  #interrupt() {
    this.#taking.abort()
    this.#taking = new AbortController()
    this.#wake()
  }

  #changed() {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }

  #room() {
    const { concurrency, prefetch } = this.#options
    return concurrency + prefetch - this.#running.size
  }

  async #run() {
    const ahead = []
    for (;;) {
      while (ahead.length > 0 && this.#running.size < this.#options.concurrency && !this.#isClosing) this.#start(ahead.shift())
      if (this.#isClosing) break
      const room = this.#room() - ahead.length
      if (this.#isPaused || room <= 0) {
        await this.#changed()
        continue
      }
      const jobs = ahead.length === 0 && this.#running.size === 0 ? await this.#take(room) : await this.#takeOrChange(room)
      if (jobs === null) break
      if (jobs.length > 0) this.#keeper.hold(placesOf(jobs), this.#options.leaseTotalMaxMs)
      ahead.push(...jobs)
    }
    for (const job of ahead) job[Symbol.dispose]()
    while (this.#running.size > 0) await this.#changed()
    await this.#flush()
  }

  // Jobs if some come before a handler ends; else none: then there may be jobs ahead to start.
  async #takeOrChange(room) {
    const ready = this.#consumer ? [] : this.#tryTake(room)
    if (ready === null || ready.length > 0) return ready
    let isOver = false
    const taking = this.#take(room).finally(() => {
      isOver = true
    })
    await Promise.race([taking, this.#changed()])
    // Interrupted, it gives nothing, or what it took just before.
    if (!isOver) this.#taking.abort()
    this.#taking = new AbortController()
    return taking
  }

  #tryTake(room) {
    try {
      return this.#queue.tryReceiveMany(Math.min(room, CONCURRENCY_MAX))
    } catch (error) {
      if (isClosed(error)) return null
      this.#tell('error', error)
      return []
    }
  }

  // Jobs; none if it was interrupted, null if the hub is closed.
  async #take(room) {
    const { signal } = this.#taking
    try {
      const ready = this.#consumer ? [] : this.#queue.tryReceiveMany(room)
      if (ready.length > 0) return ready
      this.#isTaking = true
      this.#tellIfDrained()
      if (this.#consumer) return [await this.#consumer.receive({ signal, unref: true })]
      return await this.#queue.receiveMany(room, { signal, unref: true })
    } catch (error) {
      if (signal.aborted) return []
      if (isClosed(error)) return null
      this.#tell('error', error)
      await new Promise((resolve) => setTimeout(resolve, REFUSED_MS).unref())
      return []
    } finally {
      this.#isTaking = false
    }
  }

  #start(job) {
    const task = new Task(job)
    this.#running.add(task)
    this.#hasWorked = true
    const { timeoutMs } = this.#options
    if (timeoutMs !== undefined) task.timer = setTimeout(() => this.#timeOut(task), timeoutMs)
    this.#handle(task)
  }

  async #handle(task) {
    try {
      const result = await this.#handler(task.job, task)
      if (!task.isOver) this.#complete(task, result)
    } catch (thrown) {
      if (!task.isOver) this.#fail(task, asError(thrown))
    }
    clearTimeout(task.timer)
    this.#running.delete(task)
    this.#wake()
    if (this.#isTaking) this.#tellIfDrained()
  }

  #timeOut(task) {
    const error = new RingmainError('TIMEOUT', `the handler of message ${task.job.id} took longer than ${this.#options.timeoutMs} ms`)
    task.abort(error)
    this.#fail(task, error)
  }

  #complete(task, result) {
    task.isOver = true
    const { job } = task
    // The handler may have settled it itself.
    if (job._outcome !== undefined) return this.#tell('completed', job, result)
    if (this.#options.keepResults && result !== undefined) {
      const kept = typeof result === 'string' || ArrayBuffer.isView(result) ? result : JSON.stringify(result)
      job.ackAsync(kept).then(() => this.#tell('completed', job, result), (error) => this.#refused(job, error))
      return
    }
    this.#acks.push([job, result])
    if (this.#acking === undefined) this.#acking = this.#ackSoon()
  }

  // Acks whatever is done by then, with one commit, until there is no more.
  async #ackSoon() {
    // What else is done in this turn of the event loop goes along.
    await new Promise((resolve) => setImmediate(resolve))
    while (this.#acks.length > 0) {
      const acks = this.#acks.splice(0, ACK_COUNT_MAX)
      const jobs = acks.map(([job]) => job)
      try {
        const { isDurable } = this.#queue._opened()
        const results = isDurable ? await this.#queue.ackManyAsync(jobs) : this.#queue.ackMany(jobs)
        acks.forEach(([job, result], at) => (results[at] === null ? this.#tell('completed', job, result) : this.#refused(job, results[at])))
      } catch (error) {
        for (const job of jobs) this.#refused(job, error)
      }
    }
    this.#acking = undefined
  }

  async #flush() {
    while (this.#acking !== undefined) await this.#acking
  }

  #fail(task, error) {
    task.isOver = true
    const { job } = task
    try {
      if (job._outcome === undefined) job.fail(error, { class: this.#options.classify?.(error, job) })
      this.#tell('failed', job, error)
    } catch (refusal) {
      this.#refused(job, refusal)
    }
  }

  #release(task) {
    task.isOver = true
    try {
      task.job[Symbol.dispose]()
    } catch (error) {
      this.#tell('error', error)
    }
  }

  // A job could not be settled.
  #refused(job, error) {
    if (error instanceof RingmainError && error.code === 'LEASE_LOST') this.#tell('stalled', job)
    else this.#tell('error', error)
  }

  #look() {
    try {
      this.#keeper.beat()
      const lost = new Set(this.#keeper.takeLost())
      for (const task of this.#running) {
        if (task.isOver) continue
        if (lost.has(task.job.id)) {
          task.isOver = true
          task.abort(new RingmainError('LEASE_LOST', `message ${task.job.id} is no longer leased to this worker`))
          this.#tell('stalled', task.job)
        } else if (task.job.isCancelled()) {
          task.abort(new RingmainError('LEASE_LOST', `message ${task.job.id} was cancelled`))
        }
      }
    } catch (error) {
      this.#tell('error', error)
    }
  }

  #tellIfDrained() {
    if (!this.#hasWorked || this.#running.size > 0) return
    this.#hasWorked = false
    this.#flush().then(() => this.#tell('drained'))
  }

  // An error that nobody listens for is a warning; one of a listener is not ours.
  #tell(event, ...args) {
    if (event === 'error' && this.listenerCount('error') === 0) process.emitWarning(args[0])
    else this.emit(event, ...args)
  }

  #end() {
    this.#isClosing = true
    clearInterval(this.#beat)
    try {
      this.#consumer?.close()
      this.#keeper.close()
    } catch (error) {
      ignoreOver(error)
    }
    this.#tell('closed')
  }
}

function placesOf(jobs) {
  const places = new Uint32Array(2 * jobs.length)
  jobs.forEach((job, at) => places.set([job._slot, job._generation], 2 * at))
  return places
}

function optionsOf(given) {
  const options = argument.options(given, OPTIONS)
  const whole = (name, value, min) => {
    if (Number.isInteger(value) && value >= min && value <= CONCURRENCY_MAX) return value
    throw invalid(name, `${argument.shown(value)} is not a whole number from ${min} to ${CONCURRENCY_MAX}`)
  }
  const span = (name) => {
    const ms = options[name]
    if (ms !== undefined && !(argument.number(name, ms) > 0)) throw invalid(name, `${ms} is not a time span; give milliseconds above 0`)
    return ms
  }
  if (options.classify !== undefined && typeof options.classify !== 'function') throw invalid('classify', 'a function is needed')
  if (options.signal !== undefined && !(options.signal instanceof AbortSignal)) throw invalid('signal', 'an AbortSignal is needed')
  return {
    concurrency: whole('concurrency', options.concurrency ?? 1, 1),
    prefetch: whole('prefetch', options.prefetch ?? 0, 0),
    stallMs: span('stallMs'),
    timeoutMs: span('timeoutMs'),
    leaseTotalMaxMs: span('leaseTotalMaxMs'),
    classify: options.classify,
    keepResults: options.keepResults === true,
    paused: options.paused === true,
    unref: options.unref === true,
    signal: options.signal
  }
}

module.exports = { Worker }
