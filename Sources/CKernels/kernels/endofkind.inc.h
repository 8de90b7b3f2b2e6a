// Forgets one kind of product before the next is defined.

#undef NAMED
#undef WORD
#undef ELEMENTS_OF_WORD
#undef FACTOR
#undef ROUNDS_OF_WORD
#undef LEFT_FACTOR
#undef RIGHT_FACTOR
#undef MULTIPLY_ADD
