'use strict'
// Loads the native half, which `npm install` or `npm run build` puts beside this package's index.js.

const path = require('node:path')

const ADDON = path.join(__dirname, '..', 'ringmain.node')

function load() {
  try {
    return require(ADDON)
  } catch (error) {
    const advice = error.code === 'MODULE_NOT_FOUND' ? 'it is not built' : 'it does not load here'
    throw new Error(`ringmain.node: ${advice} (${process.platform} ${process.arch}); ` +
      'run "npm run build" in the folder of the package, which needs Rust', { cause: error })
  }
}

module.exports = load()
