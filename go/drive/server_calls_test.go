package drive

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

func (s *server) record(file *stored) map[string]any {
	hash := file.hash
	if s.noHash {
		hash = ""
	}
	return map[string]any{"FileId": file.id, "Name": file.name, "Size": strconv.Itoa(file.size), "FileHash": hash,
		"DateModified": strconv.FormatInt(file.modified, 10), "Access": strconv.FormatInt(file.access, 10)}
}

func (s *server) do(call string, path []string, args map[string]string, query url.Values) (int, string) {
	give := func(value any) (int, string) {
		body, _ := json.Marshal(value)
		return 200, string(body)
	}
	number := func(name string) int64 {
		value, _ := strconv.ParseInt(args[name], 10, 64)
		return value
	}
	file := s.files[args["file_id"]]
	switch call {
	case "upload/create_file":
		name := args["file_name"]
		if s.trim {
			name = strings.TrimSpace(strings.Trim(name, "\u3000"))
		}
		for _, there := range s.files {
			if there.folder == args["folder_id"] && strings.EqualFold(there.name, name) {
				if args["open_if_exists"] != "1" {
					return 409, "File already exists"
				}
				file = there
			}
		}
		if file == nil {
			s.lastID++
			file = &stored{id: "F" + strconv.Itoa(s.lastID), name: name, folder: args["folder_id"], modified: 1}
			s.files[file.id] = file
		}
		made := s.record(file)
		if !s.noLocation {
			made["TempLocation"] = s.place(file.id)
		}
		if s.badLocation {
			made["TempLocation"] = "nowhere"
		}
		if s.known[args["file_hash"]] {
			made["RequireHashOnly"] = 1
		}
		return give(made)
	case "upload/open_file_upload":
		return give(map[string]any{"TempLocation": s.place(file.id)})
	case "upload/upload_file_chunk":
		upload := s.uploads[args["temp_location"]]
		if upload == nil {
			return 404, "Temporary file not found"
		}
		if at := number("chunk_offset"); at != int64(len(upload.data)) {
			return 400, fmt.Sprintf("Incorrect chunk offset: uploaded=%d, chunk_offset=%d", len(upload.data), at)
		}
		upload.data = append(upload.data, args["file_data"]...)
		return give(map[string]any{"TotalWritten": len(args["file_data"])})
	case "upload/close_file_upload":
		size := int(number("file_size"))
		data, hash := []byte(nil), args["file_hash"]
		if location := args["temp_location"]; location != "" {
			upload := s.uploads[location]
			if upload == nil {
				return 404, "Temporary file not found"
			}
			if len(upload.data) != size {
				return 400, fmt.Sprintf("Invalid upload file size. Total uploaded=%d. File size=%d", len(upload.data), size)
			}
			delete(s.uploads, location)
			data, hash = upload.data, sumOf(upload.data)
			s.known[hash] = true
		} else if !s.known[hash] {
			return 400, "Invalid value specified for `temp_location`"
		}
		file.data, file.hash, file.size, file.modified = data, hash, size, number("file_time")
		return give(s.record(file))
	case "file/info":
		if file = s.files[path[2]]; file == nil {
			return 404, "File does not exist"
		}
		return give(s.record(file))
	case "file/filesettings":
		if number("file_modification_time") < 0 {
			return 400, "Invalid value specified for `file_modification_time`"
		}
		file.modified, file.access = number("file_modification_time"), number("file_ispublic")
		return give(s.record(file))
	case "delete":
		delete(s.files, path[2])
		return 200, `{}`
	case "folder/list":
		folders, files := s.below(path[3], s.folders), s.below(path[3], s.files)
		if query.Get("only_subfolders") != "" {
			files = nil
		}
		offset, _ := strconv.Atoi(query.Get("offset"))
		switch {
		case offset > 0 && query.Get("last_request_time") != "17":
			return 400, "last_request_time"
		case !query.Has("offset") && s.whole == 0:
			return 502, "<html>"
		}
		found := map[string]any{"DirUpdateTime": 17, "Folders": []any{}, "Files": []any{}}
		for _, entry := range s.paging.cut(folders, files, offset, s.whole, query.Has("offset")) {
			kind := "Files"
			if entry["FolderID"] != nil {
				kind = "Folders"
			}
			found[kind] = append(found[kind].([]any), entry)
		}
		return give(found)
	case "download/all":
		return 200, s.zip(args["folders"])
	case "folder/itembyname":
		if s.folders[path[3]] == nil && path[3] != rootID {
			return 404, "Directory does not exist"
		}
		for _, there := range s.below(path[3], s.files) {
			if name := there["Name"].(string); strings.EqualFold(name, query.Get("name")) && !strings.ContainsAny(name, "+&") {
				return give(map[string]any{"Files": []any{there}})
			}
		}
		return 200, `{"DirUpdateTime":1}`
	case "folder/idbypath":
		id := rootID
		for _, part := range strings.Split(args["path"], "/") {
			next := ""
			for _, folder := range s.folders {
				if folder.folder == id && folder.name == part {
					next = folder.id
				}
			}
			if id = next; id == "" {
				return 404, "Directory does not exist"
			}
		}
		return give(map[string]any{"FolderId": id})
	case "folder/create":
		for _, folder := range s.folders {
			if folder.folder == args["folder_sub_parent"] && folder.name == args["folder_name"] {
				return 409, "Directory already exists"
			}
		}
		s.lastID++
		id := "D" + strconv.Itoa(s.lastID)
		s.folders[id] = &stored{id: id, name: args["folder_name"], folder: args["folder_sub_parent"]}
		return give(map[string]any{"FolderID": id, "Name": args["folder_name"]})
	case "folder/remove":
		delete(s.folders, args["folder_id"])
		return 200, `{}`
	case "file/rename":
		file.name = args["new_file_name"]
		return give(map[string]any{"FileID": file.id, "Size": strconv.Itoa(file.size)})
	case "users/info":
		return 200, s.account
	case "session/login":
		s.lastID++
		session := "session" + strconv.Itoa(s.lastID)
		s.sessions[session] = true
		return give(map[string]any{"SessionID": session})
	case "session/logout":
		delete(s.sessions, args["session_id"])
		return 200, `{}`
	}
	return 200, `{}`
}

// zip gives the files of a folder as the drive does, each below the name of the folder.
func (s *server) zip(folder string) string {
	packed := new(bytes.Buffer)
	archive := zip.NewWriter(packed)
	for _, file := range s.files {
		if file.folder == folder {
			entry, _ := archive.Create("the folder/" + file.name)
			_, _ = entry.Write(file.data)
		}
	}
	_ = archive.Close()
	return packed.String()
}

func (s *server) place(file string) string {
	s.lastID++
	location := "place" + strconv.Itoa(s.lastID)
	s.uploads[location] = &placed{file: file}
	return location
}

func (s *server) below(folder string, all map[string]*stored) []map[string]any {
	found := []map[string]any{}
	for _, item := range all {
		if item.folder != folder {
			continue
		}
		if strings.HasPrefix(item.id, "D") {
			found = append(found, map[string]any{"FolderID": item.id, "Name": item.name, "DateModified": 1})
		} else {
			found = append(found, s.record(item))
		}
	}
	slices.SortFunc(found, func(a, b map[string]any) int { return strings.Compare(a["Name"].(string), b["Name"].(string)) })
	return found
}
