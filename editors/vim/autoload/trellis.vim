" What :TrellisAsk does: see plugin/trellis.vim.

function! trellis#ask(words, lines) abort
  let question = trim(empty(a:words) ? join(map(copy(a:lines), 'trim(v:val)')) : a:words)
  if empty(question)
    return s:complain('what do you want to know?')
  endif
  let answer = s:request('/api/ask', {'question': question})
  if empty(answer)
    return
  endif
  let places = []
  for result in answer.results
    call extend(places, s:places(result))
  endfor
  call setqflist([], ' ', {'title': 'Trellis: ' . question, 'items': places})
  copen
  redraw
  if get(answer, 'answered', v:false)
    echomsg get(get(answer, 'answer', {}), 'text', '')
  else
    echomsg 'Your notes do not answer this; the nearest places are listed.'
  endif
endfunction

" Of one result the line that was found, and behind it the lines around that it is shown with.
function! s:places(result) abort
  let folder = s:folder(get(a:result, 'collection', ''))
  let file = empty(folder) ? a:result.source.file : folder . '/' . a:result.source.file
  let path = join(a:result.path + [a:result.text], ' > ')
  let places = [{'filename': file, 'lnum': a:result.source.line, 'text': path, 'type': 'I'}]
  for row in get(a:result, 'excerpt', [])
    if row.line != a:result.source.line
      call add(places, {'filename': file, 'lnum': row.line, 'text': repeat('  ', row.depth + 1) . row.text})
    endif
  endfor
  return places
endfunction

function! s:folder(collection) abort
  let notes = get(g:, 'trellis_notes', '~/notes')
  let folder = type(notes) == v:t_dict ? get(notes, a:collection, '') : notes
  return substitute(expand(folder), '/$', '', '')
endfunction

" What Trellis answers, or {} when it was said what is wrong. All of it goes to curl by its standard input: neither the
" question nor the key stands in a list of processes.
function! s:request(path, body) abort
  let url = substitute(get(g:, 'trellis_url', 'http://127.0.0.1:8000'), '/$', '', '')
  let settings = ['url = ' . s:quoted(url . a:path), 'header = "Content-Type: application/json"',
        \ 'data-raw = ' . s:quoted(json_encode(a:body)), 'max-time = 30', 'noproxy = "*"', 'silent', 'show-error']
  if !empty(get(g:, 'trellis_key', ''))
    call add(settings, 'header = ' . s:quoted('Authorization: Bearer ' . g:trellis_key))
  endif
  let said = system('curl --config -', join(settings, "\n") . "\n")
  if v:shell_error
    call s:complain(printf('no answer at %s: is `trellis serve` running? (%s)', url, trim(said)))
    return {}
  endif
  try
    let answer = json_decode(said)
  catch
    call s:complain('what answers at ' . url . ' is not Trellis')
    return {}
  endtry
  if type(answer) != v:t_dict || !has_key(answer, 'results')
    call s:complain(type(answer) == v:t_dict ? get(answer, 'detail', said) : said)
    return {}
  endif
  return answer
endfunction

function! s:quoted(text) abort
  return '"' . escape(substitute(a:text, '[\r\n]', ' ', 'g'), '\"') . '"'
endfunction

function! s:complain(what) abort
  echohl ErrorMsg
  echomsg 'Trellis: ' . a:what
  echohl None
endfunction
