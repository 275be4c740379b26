" Ask your outline notes: the places go into the quickfix list.
"   :TrellisAsk longest time a lambda may take     with a range or a selection and no words, that is what is asked
" Settings: g:trellis_url, g:trellis_notes (a folder, or folders by the names of collections), g:trellis_key
" Needs curl. Works in Vim 8.2 and later, and in Neovim.
" SPDX-License-Identifier: MIT

if exists('g:loaded_trellis')
  finish
endif
let g:loaded_trellis = 1

command! -nargs=* -range TrellisAsk call trellis#ask(<q-args>, <range> ? getline(<line1>, <line2>) : [])
