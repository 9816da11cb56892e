/* SPDX-License-Identifier: Apache-2.0 */
/*
 * with_stripe COMMAND…: runs it beside a Stripe of the tests that sells the plan `pro`. CC_STRIPE_URL and
 * CC_STRIPE_KEY are in its environment; its exit status is this one's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "stripe_peer.h"

static int run(char **argv)
{
	const pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		execvp(argv[0], argv);
		perror(argv[0]);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 127;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
	struct stripe_peer *peer;
	int status;

	if (argc < 2)
		return 2;
	peer = stripe_start(1);
	stripe_price(peer, "price_pro", 9900, NULL);
	stripe_price(peer, "price_calls", 1, "controlcore_api_calls");
	stripe_price(peer, "price_bouncers", 1, "controlcore_bouncer_requests");
	setenv("CC_STRIPE_URL", stripe_url(peer), 1);
	setenv("CC_STRIPE_KEY", STRIPE_PEER_KEY, 1);
	status = run(argv + 1);
	stripe_stop(peer);
	return status;
}
