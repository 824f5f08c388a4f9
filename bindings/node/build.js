'use strict'
// Builds the native half with cargo and puts it beside the JavaScript as `ringmain.node`. npm runs it as `prepare`:
// on `npm install` in this folder, and when another package installs this folder, linked or copied.
//
//   node build.js [PROFILE]    a profile of cargo; else RINGMAIN_PROFILE; else `release`
//
// Cargo decides what is stale, so a second run takes no time.

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')

const ADDON = path.join(__dirname, 'ringmain.node')
const LIBRARIES = { darwin: 'libringmain_node.dylib', win32: 'ringmain_node.dll' }
const LIBRARY = LIBRARIES[process.platform] ?? 'libringmain_node.so'

function fail(message) {
  console.error(`ringmain: ${message}`)
  process.exit(1)
}

const profile = process.argv[2] ?? process.env.RINGMAIN_PROFILE ?? 'release'
const MESSAGES = ['--message-format', 'json-render-diagnostics']
const cargo = spawnSync('cargo', ['build', '--package', 'ringmain-node', '--profile', profile, ...MESSAGES], {
  cwd: __dirname, encoding: 'utf8', maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'inherit']
})
if (cargo.error?.code === 'ENOENT') fail('cargo was not found; the package is built with Rust, see https://rustup.rs')
if (cargo.error) fail(`cargo could not be run: ${cargo.error.message}`)
if (cargo.status !== 0) fail('cargo build failed, see above')

const files = cargo.stdout.split('\n').filter(Boolean).flatMap((line) => JSON.parse(line).filenames ?? [])
const library = files.find((file) => path.basename(file) === LIBRARY)
if (!library) fail(`cargo built no ${LIBRARY}`)
// Renamed into place: a process that has the old file loaded keeps it whole.
const fresh = `${ADDON}.${process.pid}`
fs.copyFileSync(library, fresh)
fs.renameSync(fresh, ADDON)
