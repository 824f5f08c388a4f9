'use strict'
// The native classes, with every error of theirs made a RingmainError.

const addon = require('./addon.js')
const { translate } = require('./errors.js')

const rethrow = (error) => {
  throw translate(error)
}

function guardMethods(nativeClass) {
  for (const [name, property] of Object.entries(Object.getOwnPropertyDescriptors(nativeClass.prototype))) {
    const native = property.value
    if (name === 'constructor' || typeof native !== 'function') continue
    const settles = name.endsWith('Async')
    const guarded = function (...args) {
      try {
        const result = native.apply(this, args)
        return settles ? result.catch(rethrow) : result
      } catch (error) {
        throw translate(error)
      }
    }
    Object.defineProperty(nativeClass.prototype, name, { ...property, value: guarded })
  }
}

for (const exported of Object.values(addon)) {
  if (typeof exported === 'function' && exported.prototype) guardMethods(exported)
}

function openHub(path, options) {
  try {
    return new addon.HubHandle(path, options)
  } catch (error) {
    throw translate(error)
  }
}

// Node runs no finalizers at process.exit, so what nobody closed is made durable and given back here.
process.once('exit', () => {
  try {
    addon.closeOfThread()
  } catch (error) {
    throw translate(error)
  }
})

module.exports = { openHub, LineHandle: addon.LineHandle, WakePort: addon.WakePort, limits: addon.limits() }
