// Just enough of Linux to run one static program on a bare machine: its system calls are those that the C library makes
// at start-up, memory, output to the serial port, handlers of fatal signals, and the end.
//
// Addresses are physical ones everywhere (the first GB maps to itself). The program's pages are the user's, the rest
// the supervisor's, and a page without access is not present, as with Linux.
//
//   0x00400000  the program as linked, then its heap     0x08000000  what it maps
//   0x06800000  its stack                                0x0C000000  the disk's contents

#include <stddef.h>
#include <stdint.h>

enum {
  page = 4096,
  program_start = 0x400000,
  heap_end = 0x6000000,
  stack_start = 0x6800000,
  stack_end = 0x7000000,
  map_start = 0x8000000,
  map_end = 0xC000000,
  disk_start = 0xC000000,
  first_sector = 64,
  memory_end = 0x10000000,
};

extern uint64_t descriptors[];
extern uint8_t exception_stubs[];
void system_call_entry(void);
_Noreturn void enter_program(uint64_t entry, uint64_t stack);

static inline void out8(uint16_t port, uint8_t value) { __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port)); }
static inline uint8_t in8(uint16_t port) {
  uint8_t value;
  __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}

void *memset(void *target, int value, size_t count) {
  void *at = target;
  __asm__ volatile("rep stosb" : "+D"(at), "+c"(count) : "a"(value) : "memory");
  return target;
}
void *memcpy(void *target, const void *source, size_t count) {
  void *at = target;
  __asm__ volatile("rep movsb" : "+D"(at), "+S"(source), "+c"(count) : : "memory");
  return target;
}

// MARK: Output and the end

static char last_put = '\n';
static void put(char c) {
  while (!(in8(0x3FD) & 0x20)) {}
  out8(0x3F8, (uint8_t)c);
  last_put = c;
}
static void put_string(const char *text) {
  for (; *text; text++) put(*text);
}
static void put_number(uint64_t value, unsigned base) {
  char digits[24];
  int count = 0;
  do digits[count++] = "0123456789abcdef"[value % base];
  while ((value /= base) != 0);
  while (count > 0) put(digits[--count]);
}

static void put_own_line(const char *text) {
  if (last_put != '\n') put('\n');
  put_string("machine: ");
  put_string(text);
}

// The last line is what the script that started the machine looks for.
static _Noreturn void end(unsigned status) {
  put_own_line("exit ");
  put_number(status, 10);
  put_string("\n");
  // Let the last character leave before the emulator stops.
  while (!(in8(0x3FD) & 0x40)) {}
  for (const char *c = "Shutdown"; *c; c++) out8(0x8900, (uint8_t)*c);
  for (;;) __asm__ volatile("cli; hlt");
}
static _Noreturn void give_up(const char *reason) {
  put_own_line(reason);
  end(125);
}

// MARK: Memory

static volatile uint64_t *const page_entries = (volatile uint64_t *)0x200000;

// `protection` as for mmap: 1 read, 2 write, 4 execute.
static void protect(uint64_t start, uint64_t size, unsigned protection) {
  for (uint64_t at = start & ~(uint64_t)(page - 1); at < start + size; at += page) {
    uint64_t entry = at;
    if (protection != 0) entry |= 5 | (protection & 2) | (protection & 4 ? 0 : 1ull << 63);
    page_entries[at / page] = entry;
    __asm__ volatile("invlpg (%0)" ::"r"(at) : "memory");
  }
}

static uint64_t heap_start, heap_at, map_at = map_start;

static uint64_t system_brk(uint64_t wanted) {
  if (wanted >= heap_start && wanted <= heap_end) {
    if (wanted > heap_at) {
      // Mapped before it is cleared; the rest of the last page is clear already.
      protect(heap_at, wanted - heap_at, 3);
      memset((void *)heap_at, 0, wanted - heap_at);
    }
    heap_at = wanted;
  }
  return heap_at;
}

static int in_program(uint64_t start, uint64_t size) {
  return start % page == 0 && start >= program_start && start <= map_end && size <= map_end - start;
}

static int64_t system_mmap(uint64_t address, uint64_t size, uint64_t protection, uint64_t flags) {
  size = (size + page - 1) & ~(uint64_t)(page - 1);
  if (size == 0 || !(flags & 0x20)) return -22; // anonymous only
  if (flags & 0x10) {
    if (!in_program(address, size)) return -22;
  } else {
    if (size > map_end - map_at) return -12;
    address = map_at;
    map_at += size;
  }
  protect(address, size, 3);
  memset((void *)address, 0, size);
  protect(address, size, (unsigned)protection & 7);
  return (int64_t)address;
}

// MARK: Exceptions

typedef struct exception_frame {
  uint64_t rdi, rsi, rdx, vector, error, rip, cs, flags, rsp, ss;
} exception_frame;

static uint64_t handlers[65];

static unsigned signal_of(uint64_t vector) {
  switch (vector) {
  case 0: case 16: case 19: return 8;
  case 1: case 3: return 5;
  case 6: return 4;
  case 17: return 7;
  default: return 11;
  }
}

// Called from boot.S.
void exception(exception_frame *frame);
void exception(exception_frame *frame) {
  uint64_t address;
  __asm__ volatile("mov %%cr2, %0" : "=r"(address));
  unsigned signal = signal_of(frame->vector);
  uint64_t stack = (frame->rsp - 128 - 128) & ~15ull;
  if (frame->cs == 0x33 && handlers[signal] > 1 && stack >= stack_start && stack < stack_end) {
    // A siginfo_t with its number and address. There is no way back: a handler has to end the program.
    memset((void *)stack, 0, 128);
    *(int32_t *)stack = (int32_t)signal;
    *(uint64_t *)(stack + 16) = frame->vector == 14 ? address : frame->rip;
    *(uint64_t *)(stack - 8) = 0;
    frame->rdi = signal;
    frame->rsi = stack;
    frame->rdx = 0;
    frame->rip = handlers[signal];
    frame->rsp = stack - 8;
    handlers[signal] = 0;
    return;
  }
  put_own_line("exception ");
  put_number(frame->vector, 10);
  put_string(" at ");
  put_number(frame->rip, 16);
  put_string(", address ");
  put_number(address, 16);
  end(128 + signal);
}

// MARK: System calls

typedef struct call_registers {
  uint64_t rax, rdi, rsi, rdx, r10, r8, r9, r11, rcx;
} call_registers;

static int64_t write_out(const char *text, uint64_t size) {
  for (uint64_t i = 0; i < size; i++) put(text[i]);
  return (int64_t)size;
}

// Called from boot.S.
int64_t system_call(call_registers *call);
int64_t system_call(call_registers *call) {
  enum { no_entry = -2, bad_file = -9, invalid = -22, not_a_terminal = -25, not_there = -38 };
  static uint64_t seen[8];
  switch (call->rax) {
  case 1: // write
    return call->rdi == 1 || call->rdi == 2 ? write_out((const char *)call->rsi, call->rdx) : bad_file;
  case 20: { // writev
    if (call->rdi != 1 && call->rdi != 2) return bad_file;
    int64_t sum = 0;
    const uint64_t *vector = (const uint64_t *)call->rsi;
    for (uint64_t i = 0; i < call->rdx; i++) sum += write_out((const char *)vector[2 * i], vector[2 * i + 1]);
    return sum;
  }
  case 9: return system_mmap(call->rdi, call->rsi, call->rdx, call->r10);
  case 10: // mprotect
    if (!in_program(call->rdi, call->rsi)) return invalid;
    protect(call->rdi, call->rsi, (unsigned)call->rdx & 7);
    return 0;
  case 11: // munmap
    if (!in_program(call->rdi, call->rsi)) return invalid;
    protect(call->rdi, call->rsi, 0);
    return 0;
  case 12: return (int64_t)system_brk(call->rdi);
  case 13: // rt_sigaction
    if (call->rdi < 1 || call->rdi > 64) return invalid;
    if (call->rdx != 0) {
      memset((void *)call->rdx, 0, 32);
      *(uint64_t *)call->rdx = handlers[call->rdi];
    }
    if (call->rsi != 0) handlers[call->rdi] = *(const uint64_t *)call->rsi;
    return 0;
  case 16: return not_a_terminal; // ioctl
  case 39: case 186: return 1;    // getpid, gettid
  case 218: return 1;             // set_tid_address
  case 14: case 273: return 0;    // rt_sigprocmask, set_robust_list
  case 60: case 231: end((unsigned)call->rdi & 255); // exit, exit_group
  case 200: case 234: // tkill, tgkill: abort() and raise()
    end(128 + (unsigned)(call->rax == 234 ? call->rdx : call->rsi));
  case 158: // arch_prctl
    if (call->rdi != 0x1002) return invalid;
    __asm__ volatile("wrmsr" ::"c"(0xC0000100), "a"((uint32_t)call->rsi), "d"((uint32_t)(call->rsi >> 32)));
    return 0;
  case 302: // prlimit64
    if (call->r10 != 0) {
      ((uint64_t *)call->r10)[0] = stack_end - stack_start;
      ((uint64_t *)call->r10)[1] = stack_end - stack_start;
    }
    return 0;
  case 318: // getrandom, for hardening only
    for (uint64_t i = 0; i < call->rsi; i++) ((uint8_t *)call->rdi)[i] = (uint8_t)(i * 167 + 13);
    return (int64_t)call->rsi;
  case 89: case 267: return no_entry; // readlink, readlinkat
  // fstat, newfstatat, rseq, time, clock_gettime, prctl
  case 5: case 262: case 334: case 201: case 228: case 157: return not_there;
  }
  if (call->rax >= 512 || !(seen[call->rax / 64] >> call->rax % 64 & 1)) {
    if (call->rax < 512) seen[call->rax / 64] |= 1ull << call->rax % 64;
    put_own_line("no system call ");
    put_number(call->rax, 10);
    put_string("\n");
  }
  return not_there;
}

// MARK: Start

// Polled reads from the first disk.
static void read_sectors(uint32_t sector, uint32_t count, uint8_t *target) {
  while (count > 0) {
    uint32_t now = count < 128 ? count : 128;
    out8(0x1F6, (uint8_t)(0xE0 | sector >> 24));
    out8(0x1F2, (uint8_t)now);
    out8(0x1F3, (uint8_t)sector);
    out8(0x1F4, (uint8_t)(sector >> 8));
    out8(0x1F5, (uint8_t)(sector >> 16));
    out8(0x1F7, 0x20);
    for (uint32_t i = 0; i < now; i++) {
      uint8_t state;
      do {
        state = in8(0x1F7);
        if (state & 0x21) give_up("the disk cannot be read");
      } while ((state & 0x88) != 0x08);
      size_t words = 256;
      __asm__ volatile("rep insw" : "+D"(target), "+c"(words) : "d"((uint16_t)0x1F0) : "memory");
    }
    sector += now, count -= now;
  }
}

// The disk from `first_sector`: magic, bytes of the arguments, how many there are, bytes of the program, then the
// arguments, each with its final 0, and from the next sector the program.
typedef struct disk_header {
  uint64_t magic, argument_bytes, argument_count, program_bytes;
} disk_header;

typedef struct elf_header {
  uint8_t identification[16];
  uint16_t type, machine;
  uint32_t version;
  uint64_t entry, program_headers, section_headers;
  uint32_t flags;
  uint16_t size, program_header_size, program_header_count;
} elf_header;

typedef struct elf_program_header {
  uint32_t type, flags;
  uint64_t offset, address, physical_address, file_size, memory_size, alignment;
} elf_program_header;

static uint32_t task_state[26];
static uint64_t interrupts[64];

static void set_up_processor(void) {
  // Exceptions in ring 3 use the stack below 0x80000, those of the kernel whichever it is on.
  uint64_t task = (uint64_t)(uintptr_t)task_state;
  task_state[1] = 0x80000;
  task_state[25] = sizeof task_state << 16;
  descriptors[7] = (sizeof task_state - 1) | (task & 0xFFFFFF) << 16 | 0x89ull << 40 | (task >> 24 & 0xFF) << 56;
  descriptors[8] = task >> 32;
  __asm__ volatile("ltr %0" ::"r"((uint16_t)0x38));
  for (uint64_t i = 0; i < 32; i++) {
    uint64_t stub = (uint64_t)(uintptr_t)exception_stubs + 16 * i;
    interrupts[2 * i] = (stub & 0xFFFF) | 8ull << 16 | 0x8Eull << 40 | (stub >> 16 & 0xFFFF) << 48;
    interrupts[2 * i + 1] = stub >> 32;
  }
  struct __attribute__((packed)) { uint16_t limit; uint64_t base; } table = {
    sizeof interrupts - 1, (uint64_t)(uintptr_t)interrupts};
  __asm__ volatile("lidt %0" ::"m"(table));

  // All of x87, SSE, AVX and AVX-512 that the processor has.
  uint32_t a, b, c, d;
  __asm__ volatile("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "a"(1), "c"(0));
  if (c >> 26 & 1) {
    uint64_t control_register;
    __asm__ volatile("mov %%cr4, %0" : "=r"(control_register));
    __asm__ volatile("mov %0, %%cr4" ::"r"(control_register | 1 << 18)); // XSAVE
    __asm__ volatile("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "a"(13), "c"(0));
    __asm__ volatile("xsetbv" ::"c"(0), "a"(a & 0xE7), "d"(0));
  }
  uint32_t control = 0x1F80;
  __asm__ volatile("fninit; ldmxcsr %0" ::"m"(control));

  // SYSCALL: code segments 0x08 and 0x33, entry, flags to clear.
  __asm__ volatile("wrmsr" ::"c"(0xC0000081), "a"(0), "d"(0x00200008));
  uint64_t entry = (uint64_t)(uintptr_t)system_call_entry;
  __asm__ volatile("wrmsr" ::"c"(0xC0000082), "a"((uint32_t)entry), "d"((uint32_t)(entry >> 32)));
  __asm__ volatile("wrmsr" ::"c"(0xC0000084), "a"(0x47700), "d"(0));

  // Serial port: 115,200 baud, 8 bits, no parity.
  out8(0x3FB, 0x80), out8(0x3F8, 1), out8(0x3F9, 0), out8(0x3FB, 3), out8(0x3FA, 1);
}

// Called from boot.S.
_Noreturn void kernel_main(void);
_Noreturn void kernel_main(void) {
  set_up_processor();

  uint8_t *disk = (uint8_t *)disk_start;
  read_sectors(first_sector, 1, disk);
  const disk_header *header = (const disk_header *)disk;
  if (header->magic != 0x3143455845525455) give_up("no program on the disk");
  uint64_t program_at = (sizeof *header + header->argument_bytes + 511) & ~511ull;
  if (program_at + header->program_bytes > memory_end - disk_start) give_up("the program is too large");
  read_sectors(first_sector, (uint32_t)((program_at + header->program_bytes + 511) / 512), disk);

  const uint8_t *program = disk + program_at;
  const elf_header *elf = (const elf_header *)program;
  if (elf->type != 2 || elf->machine != 62) give_up("not a static x86-64 program at a fixed address");
  const elf_program_header *segments = (const elf_program_header *)(program + elf->program_headers);
  uint64_t program_headers = 0;
  for (unsigned i = 0; i < elf->program_header_count; i++) {
    const elf_program_header *s = segments + i;
    if (s->type == 3) give_up("the program wants a dynamic linker");
    if (s->type != 1) continue;
    if (s->address < program_start || s->address + s->memory_size > heap_end) give_up("the program is elsewhere");
    protect(s->address, s->memory_size, 3);
    memset((void *)s->address, 0, s->memory_size);
    memcpy((void *)s->address, program + s->offset, s->file_size);
    if (s->offset <= elf->program_headers && elf->program_headers < s->offset + s->file_size) {
      program_headers = s->address + elf->program_headers - s->offset;
    }
    if (s->address + s->memory_size > heap_start) heap_start = s->address + s->memory_size;
  }
  for (unsigned i = 0; i < elf->program_header_count; i++) {
    const elf_program_header *s = segments + i;
    unsigned protection = (s->flags & 4 ? 1u : 0) | (s->flags & 2) | (s->flags & 1 ? 4u : 0);
    if (s->type == 1) protect(s->address, s->memory_size, protection);
  }
  heap_start = heap_at = (heap_start + page - 1) & ~(uint64_t)(page - 1);

  // The stack as a program finds it: argument count, arguments, 0, no environment, 0, pairs for the C library.
  protect(stack_start, stack_end - stack_start, 3);
  char *text = (char *)(stack_end - 64 - header->argument_bytes);
  memcpy(text, disk + sizeof *header, header->argument_bytes);
  enum { pair_words = 18 };
  uint64_t *stack = (uint64_t *)(((uint64_t)text - 8 * (3 + header->argument_count + pair_words)) & ~15ull);
  uint64_t *at = stack;
  *at++ = header->argument_count;
  for (uint64_t i = 0; i < header->argument_count; i++) {
    *at++ = (uint64_t)text;
    while (*text++) {}
  }
  *at++ = 0;
  *at++ = 0;
  const uint64_t pairs[pair_words] = {
    3, program_headers, 4, elf->program_header_size, 5, elf->program_header_count, // program headers
    6, page, 9, elf->entry, 17, 100, 23, 0, // page size, entry, clock ticks, not set-user-ID
    25, stack_end - 64, 0, 0, // 16 random bytes, for hardening only
  };
  memcpy(at, pairs, sizeof pairs);
  enter_program(elf->entry, (uint64_t)stack);
}
