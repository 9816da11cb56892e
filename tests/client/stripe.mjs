// SPDX-License-Identifier: Apache-2.0
// Run by with_daemon: CC_URL. What the stripe package says of a signature, and what the program does.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import test from 'node:test';
import Stripe from 'stripe';

const stripe = new Stripe('sk_test_nobody');
const secret = process.env.CONTROLCORE_STRIPE_WEBHOOK_SECRET;
const previous = process.env.CONTROLCORE_STRIPE_WEBHOOK_SECRET_PREVIOUS;
const now = () => Math.floor(Date.now() / 1000);
let number = 0;

function event(text = '') {
	number += 1;
	return JSON.stringify({
		id: `evt_${number}`, object: 'event', type: 'customer.updated', created: now(), livemode: false,
		api_version: '2025-09-30.clover',
		data: { object: { object: 'customer', id: 'cus_1', name: text } },
	}, null, 2);
}

const sign = (payload, by = secret, timestamp = now()) =>
	stripe.webhooks.generateTestHeaderString({ payload, secret: by, timestamp });

async function program(payload, header) {
	const answer = await fetch(`${process.env.CC_URL}/api/v1/integrations/stripe/webhook`, {
		method: 'POST', body: payload,
		headers: { 'Content-Type': 'application/json; charset=utf-8', ...(header ? { 'Stripe-Signature': header } : {}) },
	});
	const body = await answer.json();

	assert.ok(answer.status === 200 || (answer.status === 400 && body.error === 'bad_signature'), JSON.stringify(body));
	return answer.status === 200;
}

function library(payload, header) {
	for (const by of [secret, previous])
		try {
			stripe.webhooks.constructEvent(payload, header, by);
			return true;
		} catch { /* the next */ }
	return false;
}

async function both(expected, payload, header) {
	assert.equal(library(payload, header), expected, 'the library');
	assert.equal(await program(payload, header), expected, 'the program');
}

test('what the library signs is taken', async () => {
	for (const text of ['', 'ä€😀', 'x'.repeat(100000), '"\\\n\t']) {
		const payload = event(text);

		await both(true, payload, sign(payload));
		await both(true, payload, sign(payload, previous));
	}
});

test('what another secret signed is not', async () => {
	const payload = event();

	await both(false, payload, sign(payload, 'whsec_other'));
	await both(false, payload, sign(`${payload} `));
});

test('what is older than five minutes is not', async () => {
	const payload = event();

	await both(true, payload, sign(payload, secret, now() - 280));
	await both(false, payload, sign(payload, secret, now() - 320));
});

test('of two hundred damaged headers both say the same', async () => {
	for (let i = 0; i < 200; i += 1) {
		const payload = event();
		const header = sign(payload);
		const at = header.indexOf('v1=') + 3 + Math.floor(Math.random() * 64);
		const digit = '0123456789abcdef'[randomBytes(1)[0] % 16];
		const damaged = header.slice(0, at) + digit + header.slice(at + 1);

		await both(damaged === header, payload, damaged);
	}
});
