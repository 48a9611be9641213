// A boot sector and the way from it to long mode and ring 3. The BIOS loads it at 0x7C00; the rest of the image
// follows.
//
// 0x07C00  this image (at most 32 KB)       0x200000  one page table for each 2 MB of the first GB
// 0x70000  top-level page tables            the rest: see kernel.c
// 0x80000  end of both kernel stacks, which grow downwards from 0x80000 and 0x90000

  .section .text.boot, "ax"
  .code16
  .globl start
start:
  cli
  ljmp $0, $1f
1:
  xorw %ax, %ax
  movw %ax, %ds
  movw %ax, %es
  movw %ax, %ss
  movw $0x7C00, %sp
  // The BIOS left the boot drive in dl.
  movw $packet, %si
  movb $0x42, %ah
  int $0x13
  jc stuck
  // Address line 20.
  inb $0x92, %al
  orb $2, %al
  outb %al, $0x92
  lgdt table_register
  movl %cr0, %eax
  orb $1, %al
  movl %eax, %cr0
  ljmp $0x18, $protected
stuck:
  hlt
  jmp stuck

  .balign 4
packet: // Read 62 sectors from sector 1 to 0x7E00.
  .byte 16, 0
  .word 62, 0x7E00, 0
  .quad 1

  .code32
protected:
  movw $0x10, %ax
  movw %ax, %ds
  movw %ax, %es
  movw %ax, %ss
  cld
  // The first GB maps to itself in pages of 4 KB, for the supervisor only.
  movl $0x200000, %edi
  movl $3, %eax
1:
  movl %eax, (%edi)
  movl $0, 4(%edi)
  addl $8, %edi
  addl $0x1000, %eax
  cmpl $0x40000003, %eax
  jne 1b
  movl $0x70000, %edi
  xorl %eax, %eax
  movl $0xC00, %ecx
  rep stosl
  // The upper levels leave it to the lowest whether a page is writable and the user's.
  movl $0x71007, 0x70000
  movl $0x72007, 0x71000
  movl $0x72000, %edi
  movl $0x200007, %eax
1:
  movl %eax, (%edi)
  addl $8, %edi
  addl $0x1000, %eax
  cmpl $0x400007, %eax
  jne 1b
  movl $0x70000, %eax
  movl %eax, %cr3
  // PAE, SSE, its exceptions.
  movl $0x620, %eax
  movl %eax, %cr4
  // Long mode, SYSCALL, no-execute.
  movl $0xC0000080, %ecx
  movl $0x901, %eax
  xorl %edx, %edx
  wrmsr
  // Paging, write protection for the supervisor too, native FPU errors.
  movl $0x80010033, %eax
  movl %eax, %cr0
  ljmp $0x08, $long_mode

  .balign 16
  .globl descriptors
descriptors:
  .quad 0
  .quad 0x00209A0000000000 // 08: code, 64 bits
  .quad 0x00CF92000000FFFF // 10: data
  .quad 0x00CF9A000000FFFF // 18: code, 32 bits
  .quad 0
  .quad 0x00CFF2000000FFFF // 28: the user's data
  .quad 0x0020FA0000000000 // 30: the user's code
  .quad 0, 0               // 38: task state, filled in by kernel.c
table_register:
  .word . - descriptors - 1
  .long descriptors

  .org 510
  .word 0xAA55

  .text
  .code64
long_mode:
  movl $0x10, %eax
  movw %ax, %ds
  movw %ax, %es
  movw %ax, %ss
  movl $0x90000, %esp
  movl $bss_start, %edi
  movl $bss_end, %ecx
  subl %edi, %ecx
  xorl %eax, %eax
  rep stosb
  call kernel_main
  ud2

// enter_program(entry, stack)
  .globl enter_program
enter_program:
  movq %rdi, %rcx
  movq %rsi, %rsp
  movl $2, %r11d // flags, interrupts off
  xorl %edx, %edx
  xorl %ebp, %ebp
  sysretq

// Linux's convention: number in rax, arguments in rdi rsi rdx r10 r8 r9, result in rax; rcx and r11 are lost.
  .globl system_call_entry
system_call_entry:
  movq %rsp, user_stack
  movl $0x90000, %esp
  pushq %rcx
  pushq %r11
  pushq %r9
  pushq %r8
  pushq %r10
  pushq %rdx
  pushq %rsi
  pushq %rdi
  pushq %rax
  movq %rsp, %rdi
  subq $8, %rsp
  call system_call
  addq $8, %rsp
  popq %rcx
  popq %rdi
  popq %rsi
  popq %rdx
  popq %r10
  popq %r8
  popq %r9
  popq %r11
  popq %rcx
  movq user_stack, %rsp
  sysretq

  .macro stub number
  .balign 16
  .if \number == 8 || (\number >= 10 && \number <= 14) || \number == 17 || \number == 21
  .else
  pushq $0
  .endif
  pushq $\number
  jmp exception_entry
  .endm

  .balign 16
  .globl exception_stubs
exception_stubs: // 16 bytes each
  .set vector, 0
  .rept 32
  stub vector
  .set vector, vector + 1
  .endr

exception_entry:
  pushq %rdx
  pushq %rsi
  pushq %rdi
  movq %rsp, %rdi
  call exception
  popq %rdi
  popq %rsi
  popq %rdx
  addq $16, %rsp
  iretq

  .bss
user_stack:
  .quad 0
