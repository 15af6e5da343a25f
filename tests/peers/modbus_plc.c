/* A PLC for tests: a Modbus TCP server on libmodbus and the program of docs/plc.md, scanned every 5 ms.
 *
 *   cc -o modbus_plc modbus_plc.c -lmodbus && ./modbus_plc PORT SERIAL_REGISTERS [REGISTERS]
 *
 * It says on its output what happens: "ready PORT", "part NUMBER NS", "take NUMBER CODE NS",
 * "gate NUMBER CODE NS" (CODE 1 opened it, whatever else did not), "line on" and "line off".
 * It does what its input says, a command a line:
 *   part [SERIAL]     a part at the sensor              takt MS COUNT    COUNT parts, one every MS
 *   jump COUNT        COUNT parts between two scans     counter VALUE    sets the part counter anew
 *   belt COUNTS       the encoder goes on               stand WHAT       heartbeat or program stands; none goes
 *   tear SCANS        the part block is half written    poke ADDRESS VALUE   any register, once
 *   arrive            every part on its way is at the gate
 * The part block is at register 0, the verdict block at 100.
 */
#include <errno.h>
#include <modbus.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PARTS = 0, VERDICTS = 100, SLOTS = 256, TAKEN = 8, SCAN_NS = 5000000, LINE_NS = 500000000 };
enum { COUNTER, HEARTBEAT, ACKNOWLEDGED, ENCODER, SERIAL };

struct part {
    int64_t came_ns; /* 0: no such part is on its way */
    uint16_t number;
    uint16_t code; /* 0 until the line says something */
};

static struct part parts[SLOTS];
static uint16_t *registers;
static int64_t line_ns, next_part_ns, takt_ns;
static int serial_registers, is_line_on, are_at_gate, left, torn_scans, heartbeat_stands, program_stands;
static uint16_t line_heartbeat;

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* The first register again at the end, written last: a block that is read meanwhile is not whole. */
static void close_block(void) {
    registers[PARTS + SERIAL + serial_registers] = registers[PARTS + COUNTER] + (torn_scans > 0);
}

static void part_comes(const char *serial) {
    uint16_t number = registers[PARTS + COUNTER] + 1;
    char text[2 * 64 + 1] = {0};
    strncpy(text, serial, 2 * serial_registers);
    for (int i = 0; i < serial_registers; i++)
        registers[PARTS + SERIAL + i] = (uint16_t)((uint8_t)text[2 * i] << 8 | (uint8_t)text[2 * i + 1]);
    registers[PARTS + COUNTER] = number;
    parts[number % SLOTS] = (struct part){now_ns(), number, 0};
    close_block();
    printf("part %u %lld\n", number, (long long)parts[number % SLOTS].came_ns);
}

static void take_verdicts(void) {
    const uint16_t *block = registers + VERDICTS;
    uint16_t handshake = block[0];
    if (handshake != block[3 + 2 * TAKEN] || handshake == registers[PARTS + ACKNOWLEDGED])
        return;
    for (int i = 0; i < TAKEN; i++) {
        uint16_t number = block[3 + 2 * i], code = block[4 + 2 * i];
        struct part *part = &parts[number % SLOTS];
        if (code != 0 && part->came_ns != 0 && part->number == number && part->code == 0) {
            part->code = code;
            printf("take %u %u %lld\n", number, code, (long long)now_ns());
        }
    }
    registers[PARTS + ACKNOWLEDGED] = handshake;
}

static void watch_line(int64_t now) {
    if (registers[VERDICTS + 1] != line_heartbeat) {
        line_heartbeat = registers[VERDICTS + 1];
        line_ns = now;
    }
    int is_on = now - line_ns < LINE_NS && registers[VERDICTS + 2] == 1;
    if (is_on != is_line_on)
        printf("line %s\n", is_on ? "on" : "off");
    is_line_on = is_on;
}

/* Parts that have arrived at the gate: it opens for a PASS, and for nothing else. */
static void move_gate(void) {
    for (int i = 0; i < SLOTS; i++) {
        if (are_at_gate && parts[i].came_ns != 0) {
            printf("gate %u %u %lld\n", parts[i].number, parts[i].code, (long long)now_ns());
            parts[i].came_ns = 0;
        }
    }
    are_at_gate = 0;
}

static void scan(void) {
    int64_t now = now_ns();
    if (left > 0 && now >= next_part_ns) {
        next_part_ns += takt_ns;
        left--;
        part_comes("");
    }
    if (torn_scans > 0 && --torn_scans == 0)
        close_block();
    if (program_stands)
        return;
    if (!heartbeat_stands)
        registers[PARTS + HEARTBEAT]++;
    watch_line(now);
    move_gate(); /* first: what was delivered while the PLC stood is too late for these parts */
    take_verdicts();
}

static void obey(char *line) {
    char word[32] = "", text[160] = "";
    int a = 0, b = 0;
    sscanf(line, "%31s", word);
    sscanf(line, "%*s %d %d", &a, &b);
    sscanf(line, "%*s %159s", text);
    if (!strcmp(word, "part"))
        part_comes(text);
    else if (!strcmp(word, "jump"))
        while (a-- > 0)
            part_comes("");
    else if (!strcmp(word, "takt"))
        takt_ns = a * 1000000LL, left = b, next_part_ns = now_ns();
    else if (!strcmp(word, "belt"))
        registers[PARTS + ENCODER] += a;
    else if (!strcmp(word, "counter")) {
        registers[PARTS + COUNTER] = a;
        memset(parts, 0, sizeof parts);
        close_block();
    } else if (!strcmp(word, "stand")) {
        heartbeat_stands = !strcmp(text, "heartbeat");
        program_stands = !strcmp(text, "program");
    } else if (!strcmp(word, "tear")) {
        torn_scans = a;
        close_block();
    } else if (!strcmp(word, "arrive"))
        are_at_gate = 1;
    else if (!strcmp(word, "poke"))
        registers[a] = b;
}

int main(int count, char **arguments) {
    if (count < 3)
        return 2;
    serial_registers = atoi(arguments[2]);
    modbus_t *server = modbus_new_tcp("127.0.0.1", atoi(arguments[1]));
    modbus_mapping_t *mapping = modbus_mapping_new(0, 0, count > 3 ? atoi(arguments[3]) : 500, 0);
    int listening = server ? modbus_tcp_listen(server, 4) : -1, highest = listening;
    if (!mapping || listening < 0)
        return 1;
    registers = calloc(500, sizeof *registers);
    memcpy(registers, mapping->tab_registers, mapping->nb_registers * sizeof *registers);
    free(mapping->tab_registers);
    mapping->tab_registers = registers;
    struct sockaddr_in bound;
    socklen_t size = sizeof bound;
    getsockname(listening, (struct sockaddr *)&bound, &size);
    setvbuf(stdout, NULL, _IOLBF, 0);
    setvbuf(stdin, NULL, _IONBF, 0); /* select must see the next command */
    printf("ready %d\n", ntohs(bound.sin_port));
    line_ns = now_ns() - LINE_NS;
    fd_set all, ready;
    FD_ZERO(&all);
    FD_SET(0, &all);
    FD_SET(listening, &all);
    int64_t next_scan_ns = now_ns();
    for (;;) {
        int64_t wait_ns = next_scan_ns - now_ns();
        struct timeval wait = {0, wait_ns > 0 ? wait_ns / 1000 : 0};
        ready = all;
        if (select(highest + 1, &ready, NULL, NULL, &wait) < 0)
            return 1;
        for (int i = 0; i <= highest; i++) {
            if (!FD_ISSET(i, &ready))
                continue;
            if (i == 0) {
                char line[256];
                if (!fgets(line, sizeof line, stdin))
                    return 0; /* the test is over */
                obey(line);
            } else if (i == listening) {
                modbus_tcp_accept(server, &listening);
                int client = modbus_get_socket(server);
                FD_SET(client, &all);
                highest = client > highest ? client : highest;
            } else {
                uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
                modbus_set_socket(server, i);
                int length = modbus_receive(server, query);
                if (length > 0)
                    modbus_reply(server, query, length, mapping);
                else if (length < 0) {
                    close(i);
                    FD_CLR(i, &all);
                }
            }
        }
        if (now_ns() >= next_scan_ns) {
            scan();
            next_scan_ns += SCAN_NS;
            if (next_scan_ns < now_ns()) /* it stood: no scan is made up for */
                next_scan_ns = now_ns();
        }
    }
}
