'use strict'
// Builds the native half with cargo and puts it beside the JavaScript as `ringmain.node`.
//
//   node build.js                 release build; cargo does nothing if nothing changed
//   node build.js --profile dev   quicker to build, slower to run
//   node build.js --if-missing    only if there is no ringmain.node: what `npm install` runs

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')

const ADDON = path.join(__dirname, 'ringmain.node')
const LIBRARY = { darwin: 'libringmain_node.dylib', win32: 'ringmain_node.dll' }[process.platform] ?? 'libringmain_node.so'

function fail(message) {
  console.error(`ringmain: ${message}`)
  process.exit(1)
}

function build(profile) {
  if (!fs.existsSync(path.join(__dirname, 'Cargo.toml'))) {
    fail('this copy of the package has neither ringmain.node nor the Rust sources to build it from; ' +
      'install it from a checkout of the repository: npm install PATH/bindings/node')
  }
  const args = ['build', '--package', 'ringmain-node', '--profile', profile, '--message-format', 'json-render-diagnostics']
  const cargo = spawnSync('cargo', args, {
    cwd: __dirname, encoding: 'utf8', maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'inherit']
  })
  if (cargo.error?.code === 'ENOENT') fail('cargo was not found; Ringmain is built with Rust, see https://rustup.rs')
  if (cargo.error) fail(`cargo could not be run: ${cargo.error.message}`)
  if (cargo.status !== 0) fail('cargo build failed, see above')
  const files = cargo.stdout.split('\n').filter(Boolean).flatMap((line) => JSON.parse(line).filenames ?? [])
  const library = files.find((file) => path.basename(file) === LIBRARY)
  if (!library) fail(`cargo built no ${LIBRARY}`)
  // Renamed into place: a process that has the old file loaded keeps it whole.
  const fresh = `${ADDON}.${process.pid}`
  fs.copyFileSync(library, fresh)
  fs.renameSync(fresh, ADDON)
}

const args = process.argv.slice(2)
const at = args.indexOf('--profile')
if (!(args.includes('--if-missing') && fs.existsSync(ADDON))) {
  build(at < 0 ? 'release' : args[at + 1])
}
