'use strict'
// Loads the native half: the one that was built beside this package's index.js, else that of the prebuilt package for this platform, which
// npm installs because it is an optional dependency of the published package.

const path = require('node:path')
const { platform } = require('./platform.js')

const BUILT = path.join(__dirname, '..', 'ringmain.node')

function load() {
  const prebuilt = `ringmain-${platform()}`
  let cause
  for (const name of [BUILT, prebuilt]) {
    try {
      return require(name)
    } catch (error) {
      // One that is there and does not load says more than one that is missing.
      if (cause === undefined || error.code !== 'MODULE_NOT_FOUND') cause = error
      if (error.code !== 'MODULE_NOT_FOUND') break
    }
  }
  const advice = cause.code === 'MODULE_NOT_FOUND'
    ? `neither is it built, nor is the package ${prebuilt} installed (npm leaves it out with --omit=optional)`
    : 'it does not load here'
  throw new Error(`ringmain.node: ${advice}; with Rust, "npm run build" in the folder of the package builds it`, { cause })
}

module.exports = load()
