/* start CORE PORT PATH COMMAND [ARG]...: starts the command on a processor and asks it, over plain HTTP on the loopback, until it answers.
 * Prints the microseconds from before fork() to the first byte of a 200, then ends the command. */
#include <arpa/inet.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LIMIT_US 20000000

static long now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000L + t.tv_nsec / 1000;
}

static bool answers(int port, const char *path)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char buf[512];
	int n = snprintf(buf, sizeof buf, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path);
	bool ok = connect(fd, (const struct sockaddr *)&to, sizeof to) == 0 && write(fd, buf, (size_t)n) == n &&
	          read(fd, buf, sizeof buf) > 12 && memcmp(buf + 9, "200", 3) == 0;

	close(fd);
	return ok;
}

int main(int argc, char **argv)
{
	const struct timespec pause = { .tv_nsec = 50000 };
	long start;
	cpu_set_t set;
	pid_t child;
	bool ok = false;

	if (argc < 5)
		return 2;
	CPU_ZERO(&set);
	CPU_SET((size_t)atoi(argv[1]), &set);
	start = now_us();
	child = fork();
	if (child == 0) {
		sched_setaffinity(0, sizeof set, &set);
		setpgid(0, 0);
		execvp(argv[4], argv + 4);
		_exit(127);
	}
	while (!ok && now_us() - start < LIMIT_US && waitpid(child, NULL, WNOHANG) == 0) {
		ok = answers(atoi(argv[2]), argv[3]);
		if (!ok)
			nanosleep(&pause, NULL);
	}
	if (ok)
		printf("%ld\n", now_us() - start);
	kill(child, SIGTERM);
	while (waitpid(child, NULL, 0) > 0)
		;
	return ok ? 0 : 1;
}
