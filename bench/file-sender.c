/*
 * Sends requests out of a file over connections that file-sender.ts has opened and logged in, and tells what came of it.
 *
 *     file-sender PROTOCOL FILE CONNECTIONS REQUESTS
 *
 * PROTOCOL, `mysql` or `http`, is that of the answers. The connections are the descriptors from 3 on, not blocking. Standard input has
 * where each of the requests ends in the file, in decimal, and then "go", which is waited for after "ready" was written. Then each
 * connection takes the next request when its last was answered. Written in the end, as JSON: seconds, the processor time of this process in
 * them, and milliseconds of each request. Whatever goes wrong ends it with status 1 and a line on standard error.
 *
 * sendfile gives the pages of the file to the socket as they are, where write copies what it is given. It is C as its loop is then small
 * beside what the system does for it: between two requests a server takes the caches for itself, and an interpreter fetches itself anew.
 */

#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <time.h>
#include <unistd.h>

enum {
  FIRST_DESCRIPTOR = 3,
  /* Room for one answer. Those to writes are short, and what is wrong stands in their beginning. */
  ANSWER_BYTES_MAX = 64 * 1024,
  EVENTS_AT_ONCE = 64,
};

/* One request under way at a time. */
struct connection {
  int descriptor;
  size_t request;
  double sent_at;
  /* Of the request's bytes in the file: the next to send, and behind the last. */
  off_t at, end;
  size_t answer_bytes;
  /* With a zero behind what has been received. */
  char answer[ANSWER_BYTES_MAX + 1];
};

/* Bytes of the answer once it is complete, 0 before; ends the process on one that is no success. */
typedef size_t complete_answer(const char *answer, size_t length);

struct load {
  int file, poll;
  complete_answer *complete;
  /* Of each request: where it ends in the file, and how long it took. */
  off_t *ends;
  double *seconds;
  size_t requests;
  /* The next that no connection has taken. */
  size_t next;
};

_Noreturn static void fail(const char *format, ...) {
  va_list values;
  va_start(values, format);
  vfprintf(stderr, format, values);
  va_end(values);
  fputc('\n', stderr);
  exit(EXIT_FAILURE);
}

_Noreturn static void fail_call(const char *call) {
  fail("%s: %s", call, strerror(errno));
}

static void *zeroed(size_t count, size_t bytes) {
  /* Of nothing it may be null. */
  void *memory = calloc(count > 0 ? count : 1, bytes);
  if (memory == NULL) fail_call("calloc");
  return memory;
}

static double seconds_of(clockid_t clock) {
  struct timespec time;
  if (clock_gettime(clock, &time) < 0) fail_call("clock_gettime");
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static size_t complete_mysql(const char *answer, size_t length) {
  enum { HEADER_BYTES = 4, OK = 0x00, ERR = 0xff };
  /* Marker, error number, "#" and SQLSTATE. */
  enum { ERR_HEAD_BYTES = 9 };
  const uint8_t *bytes = (const uint8_t *)answer;
  if (length < HEADER_BYTES) return 0;
  size_t payload = bytes[0] | (size_t)bytes[1] << 8 | (size_t)bytes[2] << 16;
  if (length < HEADER_BYTES + payload) return 0;
  if (payload == 0) fail("answered with an empty packet");
  uint8_t marker = bytes[HEADER_BYTES];
  if (marker == ERR && payload >= ERR_HEAD_BYTES) {
    int text = (int)(payload - ERR_HEAD_BYTES);
    fail("answered with an error: %.*s", text, answer + HEADER_BYTES + ERR_HEAD_BYTES);
  }
  if (marker != OK) fail("not answered with OK: a packet that begins with 0x%02x", marker);
  return HEADER_BYTES + payload;
}

/* What is behind the header's colon; null when the head, which ends at `end`, has none of that name. */
static const char *http_header(const char *head, const char *end, const char *name) {
  size_t length = strlen(name);
  for (const char *line = head; line < end; line += 2) {
    if (strncasecmp(line, name, length) == 0 && line[length] == ':') {
      const char *value = line + length + 1;
      return value + strspn(value, " \t");
    }
    line = memmem(line, (size_t)(end - line), "\r\n", 2);
    if (line == NULL) return NULL;
  }
  return NULL;
}

/* Behind the last chunk of a body, or null before that has come. */
static const char *end_of_chunks(const char *body, const char *end) {
  for (const char *chunk = body;;) {
    const char *line_end = memmem(chunk, (size_t)(end - chunk), "\r\n", 2);
    if (line_end == NULL) return NULL;
    if (!isxdigit((unsigned char)*chunk)) fail("answered with a chunk that has no size");
    unsigned long size = strtoul(chunk, NULL, 16);
    if (size == 0) {
      const char *last = memmem(line_end, (size_t)(end - line_end), "\r\n\r\n", 4);
      return last == NULL ? NULL : last + 4;
    }
    /* Both line ends are the chunk's. */
    size_t left = (size_t)(end - line_end);
    if (left < 4 || left - 4 < size) return NULL;
    chunk = line_end + 2 + size + 2;
  }
}

static size_t complete_http(const char *answer, size_t length) {
  static const char VERSION[] = "HTTP/1.1 ";
  const char *end = answer + length;
  const char *head_end = memmem(answer, length, "\r\n\r\n", 4);
  if (head_end == NULL) return 0;
  const char *body = head_end + 4;
  size_t body_bytes = 0;
  const char *content_length = http_header(answer, head_end, "content-length");
  const char *encoding = http_header(answer, head_end, "transfer-encoding");
  if (content_length != NULL) {
    body_bytes = strtoul(content_length, NULL, 10);
  } else if (encoding != NULL && strncasecmp(encoding, "chunked", strlen("chunked")) == 0) {
    const char *body_end = end_of_chunks(body, end);
    if (body_end == NULL) return 0;
    body_bytes = (size_t)(body_end - body);
  }
  if ((size_t)(end - body) < body_bytes) return 0;
  size_t status_at = strlen(VERSION);
  if (length <= status_at || answer[status_at] != '2') fail("answered with %s", answer);
  return (size_t)(body - answer) + body_bytes;
}

static void watch(const struct load *load, struct connection *of, int how, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = of};
  if (epoll_ctl(load->poll, how, of->descriptor, &event) < 0) fail_call("epoll_ctl");
}

/* Sends as much as the socket takes; false when that is not all. */
static bool push(const struct load *load, struct connection *connection) {
  size_t left = (size_t)(connection->end - connection->at);
  ssize_t sent = sendfile(connection->descriptor, load->file, &connection->at, left);
  if (sent < 0 && errno != EAGAIN) fail_call("sendfile");
  if (sent == 0 && left > 0) fail("the file ends before request %zu does", connection->request);
  return connection->at == connection->end;
}

/* The next request; false when there is none left. */
static bool begin(struct load *load, struct connection *connection) {
  if (load->next == load->requests) return false;
  size_t request = load->next++;
  connection->request = request;
  connection->at = request > 0 ? load->ends[request - 1] : 0;
  connection->end = load->ends[request];
  connection->answer_bytes = 0;
  connection->sent_at = seconds_of(CLOCK_MONOTONIC);
  /* What is left goes when the socket takes more. */
  if (!push(load, connection)) watch(load, connection, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
  return true;
}

/* Reads what has come; whether the answer is now complete. */
static bool take(const struct load *load, struct connection *connection) {
  char *answer = connection->answer;
  size_t room = ANSWER_BYTES_MAX - connection->answer_bytes;
  ssize_t received = read(connection->descriptor, answer + connection->answer_bytes, room);
  if (received < 0) {
    if (errno == EAGAIN) return false;
    fail_call("read");
  }
  if (received == 0) fail("connection closed by the server");
  connection->answer_bytes += (size_t)received;
  answer[connection->answer_bytes] = '\0';
  size_t length = load->complete(answer, connection->answer_bytes);
  if (length == 0) {
    if (connection->answer_bytes < ANSWER_BYTES_MAX) return false;
    fail("answered with more than %d bytes: %.200s", ANSWER_BYTES_MAX, answer);
  }
  if (length < connection->answer_bytes) fail("answered with more than one answer");
  if (connection->at < connection->end) fail("answered before the whole request was sent");
  return true;
}

/* Returns when the last request was answered. */
static void run(struct load *load, struct connection *connections, size_t count) {
  size_t active = 0;
  for (size_t i = 0; i < count; i++) {
    watch(load, &connections[i], EPOLL_CTL_ADD, EPOLLIN);
    active += begin(load, &connections[i]);
  }
  struct epoll_event events[EVENTS_AT_ONCE];
  while (active > 0) {
    int ready = epoll_wait(load->poll, events, EVENTS_AT_ONCE, -1);
    if (ready < 0 && errno != EINTR) fail_call("epoll_wait");
    for (int i = 0; i < ready; i++) {
      struct connection *connection = events[i].data.ptr;
      /* First what has come: it tells why no more can be sent. An error or the end of a connection is told by reading, too. */
      uint32_t what = events[i].events;
      if ((what & ~(uint32_t)EPOLLOUT) != 0 && take(load, connection)) {
        load->seconds[connection->request] = seconds_of(CLOCK_MONOTONIC) - connection->sent_at;
        active -= !begin(load, connection);
      } else if ((what & EPOLLOUT) != 0 && push(load, connection)) {
        watch(load, connection, EPOLL_CTL_MOD, EPOLLIN);
      }
    }
  }
}

static complete_answer *complete_of(const char *protocol) {
  if (strcmp(protocol, "mysql") == 0) return complete_mysql;
  if (strcmp(protocol, "http") == 0) return complete_http;
  fail("no protocol: %s", protocol);
}

static size_t count_of(const char *argument) {
  char *end;
  long count = strtol(argument, &end, 10);
  bool is_number = end > argument && *end == '\0';
  if (!is_number || count < 0 || count > INT_MAX) fail("no count: %s", argument);
  return (size_t)count;
}

static void read_ends(off_t *ends, size_t count) {
  for (size_t i = 0; i < count; i++) {
    intmax_t end;
    if (scanf("%jd", &end) != 1) fail("told where %zu of %zu requests end", i, count);
    ends[i] = (off_t)end;
    if (end < (i > 0 ? ends[i - 1] : 0)) fail("request %zu ends before it begins", i);
  }
}

static void wait_for_go(void) {
  char word[3];
  if (scanf("%2s", word) != 1 || strcmp(word, "go") != 0) fail("not told to go");
}

static void flush(void) {
  if (fflush(stdout) != 0 || ferror(stdout)) fail_call("standard output");
}

int main(int count, char **arguments) {
  if (count != 5) fail("usage: file-sender PROTOCOL FILE CONNECTIONS REQUESTS");
  /* Of a connection that the server has closed: sendfile then tells it. */
  if (signal(SIGPIPE, SIG_IGN) == SIG_ERR) fail_call("signal");
  size_t connection_count = count_of(arguments[3]);
  struct load load = {.complete = complete_of(arguments[1]), .requests = count_of(arguments[4])};
  load.file = open(arguments[2], O_RDONLY);
  if (load.file < 0) fail_call(arguments[2]);
  load.poll = epoll_create1(0);
  if (load.poll < 0) fail_call("epoll_create1");
  load.ends = zeroed(load.requests, sizeof *load.ends);
  load.seconds = zeroed(load.requests, sizeof *load.seconds);
  struct connection *connections = zeroed(connection_count, sizeof *connections);
  for (size_t i = 0; i < connection_count; i++) {
    connections[i].descriptor = FIRST_DESCRIPTOR + (int)i;
  }
  read_ends(load.ends, load.requests);

  puts("ready");
  flush();
  wait_for_go();
  double cpu_before = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
  double start = seconds_of(CLOCK_MONOTONIC);
  run(&load, connections, connection_count);
  double seconds = seconds_of(CLOCK_MONOTONIC) - start;
  double cpu_seconds = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu_before;

  printf("{\"seconds\":%.9f,\"cpuSeconds\":%.9f,\"latenciesMs\":[", seconds, cpu_seconds);
  for (size_t i = 0; i < load.requests; i++) {
    printf("%s%.6f", i > 0 ? "," : "", load.seconds[i] * 1000);
  }
  puts("]}");
  flush();
  return EXIT_SUCCESS;
}
