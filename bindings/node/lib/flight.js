'use strict'
// Sends that are under way: promises that the native half wakes, with no thread behind them. src/hot/flight.rs is the other half.

const hot = require('./hot.js')
const { keepAlive, nextToken, waiting } = require('./wait.js')

// A promise of the ids, once they have reached their durability.
function sendSoon(queue, packed, count) {
  const ids = new Float64Array(count)
  const token = nextToken()
  const flight = hot.sendSoon(queue.number, token, packed, ids)
  return flight < 0 ? ids : landing(flight, token, ids)
}

// A promise of a flight's end. A send keeps the process alive until then.
function landing(flight, token, ids) {
  return new Promise((resolve, reject) => {
    const end = (settle, value) => {
      waiting.delete(token)
      keepAlive.add(-1)
      settle(value)
    }
    const wake = () => {
      try {
        if (hot.land(flight, token, ids)) end(resolve, ids)
      } catch (error) {
        end(reject, error)
      }
    }
    keepAlive.add(1)
    waiting.set(token, { wake })
    // It may have landed before this, or be polled for the first time.
    wake()
  })
}

module.exports = { sendSoon }
