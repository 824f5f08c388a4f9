'use strict'
// Waiting for messages: promises that the native half wakes, with no thread behind them.
//
// A poller (a queue, reader or member) has a line of waiters. The native side keeps one armed waker for it, which
// calls `wake` on this thread's event loop when there may be something; the first in line then polls. Messages are
// taken only here, for a waiter that is in line at that moment, so a wait that was aborted loses nothing.

const argument = require('./argument.js')
const { RingmainError } = require('./errors.js')
const { WakePort } = require('./native.js')

const WAIT_OPTIONS = ['timeoutMs', 'signal', 'unref']
const TIMER_MS_MAX = 2 ** 31 - 1

// Pollers with somebody in line, by token.
const waiting = new Map()
let tokens = 0

const port = new WakePort((token) => waiting.get(token)?.wake())
port.serveRoom()

const nextToken = () => (tokens = (tokens + 1) % 2 ** 32)

// The native wakers do not keep the process alive; this does, while somebody waits who did not ask otherwise.
const keepAlive = {
  count: 0,
  timer: undefined,
  add(by) {
    this.count += by
    this.timer ??= setInterval(() => {}, TIMER_MS_MAX)
    if (this.count > 0) this.timer.ref()
    else this.timer.unref()
  }
}

class Poller {
  #native
  #token
  #line = []

  constructor(hub, native) {
    this.hub = hub
    this.#native = native
    this.#token = nextToken()
  }

  // What is there now, or null.
  #take(count) {
    return this.#native.poll(count, port, this.#token)
  }

  // Whether nobody waits, so that who comes now does not overtake anybody.
  get isIdle() {
    return this.#line.length === 0
  }

  // A promise of up to `count` messages as the native side gives them; null when the time is over.
  async wait(count, given) {
    const { timeoutMs = Infinity, signal, unref = false } = argument.options(given, WAIT_OPTIONS)
    argument.wait('timeoutMs', timeoutMs)
    if (signal !== undefined && !(signal instanceof AbortSignal)) {
      throw new RingmainError('INVALID_ARGUMENT', 'signal: an AbortSignal is needed')
    }
    signal?.throwIfAborted()
    // Whoever is in line already goes first.
    const taken = this.#line.length === 0 ? this.#take(count) : null
    if (taken !== null || timeoutMs === 0) return taken
    return new Promise((resolve, reject) => this.#join({ count, resolve, reject, signal, ref: !unref }, timeoutMs))
  }

  #join(waiter, timeoutMs) {
    const { signal } = waiter
    waiter.abort = () => this.#leave(waiter).reject(signal.reason)
    signal?.addEventListener('abort', waiter.abort, { once: true })
    if (timeoutMs !== Infinity) this.#startTimer(waiter, timeoutMs)
    if (waiter.ref) keepAlive.add(1)
    this.#line.push(waiter)
    waiting.set(this.#token, this)
  }

  // A timer of Node runs at most 24 days; longer waits take several.
  #startTimer(waiter, leftMs) {
    const ms = Math.min(leftMs, TIMER_MS_MAX)
    const end = () => (leftMs > ms ? this.#startTimer(waiter, leftMs - ms) : this.#leave(waiter).resolve(null))
    waiter.timer = setTimeout(end, ms)
    if (!waiter.ref) waiter.timer.unref()
  }

  #leave(waiter) {
    const at = this.#line.indexOf(waiter)
    if (at >= 0) this.#line.splice(at, 1)
    if (this.#line.length === 0) waiting.delete(this.#token)
    clearTimeout(waiter.timer)
    waiter.signal?.removeEventListener('abort', waiter.abort)
    if (waiter.ref) keepAlive.add(-1)
    return waiter
  }

  // There may be something: serves the line from its head until there is no more.
  wake() {
    try {
      while (this.#line.length > 0) {
        const taken = this.#take(this.#line[0].count)
        if (taken === null) return
        this.#leave(this.#line[0]).resolve(taken)
      }
    } catch (error) {
      this.refuse(error)
    }
  }

  // Ends every wait with an error.
  refuse(error) {
    while (this.#line.length > 0) this.#leave(this.#line[0]).reject(error)
  }
}

// Ends every wait on a hub that is being closed.
function refuseAll(hub) {
  for (const poller of [...waiting.values()]) {
    if (poller.hub === hub) poller.refuse?.(new RingmainError('CLOSED', 'hub is closed'))
  }
}

// Blocks this thread in slices, so that a worker that is being terminated is not held up by its wait.
const SLICE_MS = 100

function block(timeoutMs, receive) {
  if (argument.wait('timeoutMs', timeoutMs) === 0) return receive(0)
  const end = performance.now() + timeoutMs
  for (;;) {
    const leftMs = end - performance.now()
    const received = receive(Math.max(0, Math.min(leftMs, SLICE_MS)))
    if (received !== null || leftMs <= 0) return received
  }
}

module.exports = { Poller, WAIT_OPTIONS, block, keepAlive, nextToken, port, refuseAll, waiting }
