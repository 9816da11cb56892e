// SPDX-License-Identifier: Apache-2.0
// An identity provider as the page needs one: its keys, and a token for whoever asks. Prints its issuer.
import { createServer } from 'node:http'
import { createSign, generateKeyPairSync } from 'node:crypto'

const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const jwks = { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'first', use: 'sig', alg: 'RS256' }] }
const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')

function token(issuer) {
  const now = Math.floor(Date.now() / 1000)
  const head = part({ alg: 'RS256', typ: 'JWT', kid: 'first' })
  const body = part({ iss: issuer, aud: 'controlcore', sub: 'user-7', iat: now, exp: now + 300, tenant_id: 'acme',
    roles: ['Developer', 'offline_access'] })
  return `${head}.${body}.${createSign('sha256').update(`${head}.${body}`).sign(privateKey, 'base64url')}`
}

const server = createServer((request, response) => {
  const issuer = `http://127.0.0.1:${server.address().port}/`
  const answers = { '/jwks.json': jwks, '/oauth/token': { access_token: token(issuer), token_type: 'Bearer' } }
  response.writeHead(answers[request.url] ? 200 : 404, { 'content-type': 'application/json' })
  request.resume().on('end', () => response.end(JSON.stringify(answers[request.url] ?? {})))
})
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/`))
