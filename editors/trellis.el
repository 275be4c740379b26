;;; trellis.el --- Ask your outline notes  -*- lexical-binding: t; -*-

;; Version: 0.1.0
;; Package-Requires: ((emacs "27.1"))
;; Keywords: outlines, matching
;; SPDX-License-Identifier: MIT

;;; Commentary:

;; `M-x trellis-ask' asks a running `trellis serve' and shows the answer and
;; the places in a buffer; RET on a place opens its file at its line.
;; `trellis-related' shows what is near in meaning to the note at point.
;;
;;   (load "/path/to/trellis.el")
;;   (setq trellis-notes '(("" . "~/notes")))
;;   (global-set-key (kbd "C-c q") #'trellis-ask)

;;; Code:

(require 'json)
(require 'seq)
(require 'subr-x)
(require 'url)
(require 'url-http)

(defgroup trellis nil
  "Ask your outline notes."
  :group 'applications)

(defcustom trellis-url "http://127.0.0.1:8000"
  "Where Trellis is served."
  :type 'string)

(defcustom trellis-notes '(("" . "~/notes"))
  "The notes folder of each collection by its name.
Where there are no collections the name is \"\"."
  :type '(alist :key-type string :value-type directory))

(defcustom trellis-key nil
  "Key for a Trellis that wants one, or a function that gives it."
  :type '(choice (const nil) string function))

(defcustom trellis-timeout 20
  "Seconds that an answer may take."
  :type 'integer)

(defvar url-http-end-of-headers)
(defvar url-http-response-status)

(defvar trellis-history nil
  "What was asked.")

(define-derived-mode trellis-mode special-mode "Trellis"
  "Answers of Trellis: \\`n' and \\`p' go from place to place, RET opens one."
  (setq-local truncate-lines nil))

(define-key trellis-mode-map "n" #'forward-button)
(define-key trellis-mode-map "p" #'backward-button)
(define-key trellis-mode-map "a" #'trellis-ask)

;;;###autoload
(defun trellis-ask (question)
  "Ask QUESTION and show what the notes say.
With a region, it is what is asked by default."
  (interactive
   (list (read-string "Ask your notes: "
                      (and (use-region-p)
                           (string-join (split-string (buffer-substring-no-properties
                                                       (region-beginning) (region-end)))
                                        " "))
                      'trellis-history)))
  (trellis--show question (trellis--request "/api/ask" `((question . ,question)))))

;;;###autoload
(defun trellis-related ()
  "Show what is near in meaning to the note at point."
  (interactive)
  (let* ((text (string-trim (thing-at-point 'line t) "[-*+•#[:space:]]+"))
         (found (trellis--request (concat "/api/search?top=1&q=" (url-hexify-string text))))
         (nearest (seq-first (alist-get 'results found))))
    (unless nearest
      (user-error "Trellis knows no such note"))
    (let ((related (trellis--request (format "/api/nodes/%s/related" (trellis--name nearest)))))
      (trellis--show (concat "Near to: " text) `((answered . t) ,@related)))))

(defun trellis--name (result)
  "The id of RESULT, with its collection where it has one."
  (let ((collection (alist-get 'collection result "")))
    (if (string-empty-p collection)
        (alist-get 'id result)
      (concat collection ":" (alist-get 'id result)))))

(defun trellis--request (path &optional body)
  "What Trellis answers to PATH, with BODY if any, as an alist.
Signals a `user-error' that says what is wrong."
  (let* ((url-request-method (if body "POST" "GET"))
         (url-request-data (and body (encode-coding-string (json-encode body) 'utf-8)))
         (key (if (functionp trellis-key) (funcall trellis-key) trellis-key))
         (url-request-extra-headers
          `(("Content-Type" . "application/json")
            ,@(and key `(("Authorization" . ,(concat "Bearer " key))))))
         (url-show-status nil)
         (buffer (condition-case problem
                     (url-retrieve-synchronously (concat (string-remove-suffix "/" trellis-url) path)
                                                 t t trellis-timeout)
                   (error (user-error "Trellis cannot be reached at %s: %s" trellis-url
                                      (error-message-string problem))))))
    (unless buffer
      (user-error "Trellis does not answer at %s: is `trellis serve' running?" trellis-url))
    (with-current-buffer buffer
      (unwind-protect
          (trellis--answer)
        (kill-buffer)))))

(defun trellis--answer ()
  "The answer that the current buffer holds, or a `user-error' with its reason."
  (goto-char (point-min))
  (unless (and (boundp 'url-http-end-of-headers) url-http-end-of-headers)
    (user-error "Trellis does not answer at %s: is `trellis serve' running?" trellis-url))
  (goto-char url-http-end-of-headers)
  (let ((answer (condition-case nil
                    (json-parse-string
                     (decode-coding-string (buffer-substring-no-properties (point) (point-max)) 'utf-8)
                     :object-type 'alist :array-type 'list :null-object nil :false-object nil)
                  (error (user-error "What answers at %s is not Trellis" trellis-url)))))
    (unless (eq url-http-response-status 200)
      (user-error "Trellis: %s" (alist-get 'detail answer (format "status %s" url-http-response-status))))
    answer))

(defun trellis--show (question answer)
  "Show what was ANSWERed to QUESTION."
  (with-current-buffer (get-buffer-create "*Trellis*")
    (let ((inhibit-read-only t))
      (trellis-mode)
      (erase-buffer)
      (insert (propertize question 'face 'bold) "\n\n")
      (cond ((alist-get 'answer answer)
             (insert "“" (alist-get 'text (alist-get 'answer answer)) "”"
                     (format "   (%.0f%%)\n\n" (* 100 (alist-get 'confidence answer)))))
            ((not (alist-get 'answered answer))
             (insert "Your notes do not answer this. The nearest places:\n\n")))
      (mapc #'trellis--insert (alist-get 'results answer)))
    (goto-char (point-min))
    (pop-to-buffer (current-buffer))))

(defun trellis--insert (result)
  "Insert RESULT: its place as a button, its path, its excerpt."
  (let* ((source (alist-get 'source result))
         (file (alist-get 'file source))
         (line (alist-get 'line source))
         (collection (alist-get 'collection result "")))
    (insert-text-button (format "%s:%d" file line)
                        'action (lambda (_) (trellis--visit collection file line))
                        'follow-link t
                        'help-echo "Open the file at this line")
    (insert "  " (propertize (string-join (alist-get 'path result) " › ") 'face 'shadow) "\n")
    (dolist (row (or (alist-get 'excerpt result) `(((text . ,(alist-get 'text result)) (depth . 0)))))
      (insert (make-string (+ 2 (* 2 (alist-get 'depth row 0))) ?\s)
              (if (alist-get 'hit row)
                  (propertize (alist-get 'text row) 'face 'highlight)
                (alist-get 'text row))
              "\n"))
    (insert "\n")))

(defun trellis--visit (collection file line)
  "Open FILE of COLLECTION at LINE."
  (let* ((folder (or (alist-get collection trellis-notes nil nil #'equal)
                     (user-error "Where are the notes of `%s'? Set `trellis-notes'" collection)))
         (path (expand-file-name file folder)))
    (unless (file-exists-p path)
      (user-error "There is no %s: set `trellis-notes' to the notes folder" path))
    (find-file-other-window path)
    (goto-char (point-min))
    (forward-line (1- line))))

(provide 'trellis)
;;; trellis.el ends here
