// How a vector of base64 characters is decoded and judged with three lookups in tables of 16.
//
// The class of an ASCII character is its upper half plus 1 where the lower half is below 12, and plus 8 elsewhere. That
// parts + from /, and the good characters from the bad ones, so far that in each class
// - one distance leads from every good character to its value;
// - one offset moves the good characters into 0...63 or 128...191, and the bad ones into the other numbers of 8 bits:
//   bit 6 of character plus offset is set where the character is not in the alphabet, and nowhere else.
// Beyond ASCII the classes upper and upper plus 1, modulo 16, will do; where it is said, if the sum saturates.
//
//   class   good             bad that are near    offset       good + offset
//   3       +                below +              128 - '+'    128
//   10      /                below /              128 - '/'    128
//   4       0...9            above 9              63 - '9'     54...63
//   5       A...K            below A              128 - 'A'    128...138
//   12      L...O                                 128 - 'L'    128...131
//   6       P...Z            above Z              191 - 'Z'    181...191
//   7       a...k            below a              128 - 'a'    128...138
//   14      l...o                                 128 - 'l'    128...131
//   8       p...z            above z              191 - 'z'    181...191
//
// The other classes have bad characters alone, and some offset that sets bit 6 of them all.

#ifndef AK_BASE64_CLASSES_H
#define AK_BASE64_CLASSES_H

#define AK_BASE64_DISTANCES                                                                                            \
  0, 0, 0, 62 - '+', 52 - '0', -'A', -'A', 26 - 'a', 26 - 'a', 0, 63 - '/', 0, -'A', 0, 26 - 'a', 0
#define AK_BASE64_OFFSETS                                                                                              \
  0, 64, 48, 128 - '+', 63 - '9', 128 - 'A', 191 - 'Z', 128 - 'a', 191 - 'z', 56, 128 - '/', 24, 128 - 'L', 0,         \
      128 - 'l', 0

#endif
