//go:build all_backends

package guards

import (
	"context"
	"errors"
	"net/textproto"
	"path"
	_ "unsafe" // for go:linkname

	jlaffaye "github.com/jlaffaye/ftp"
	"github.com/rclone/rclone/backend/ftp"
	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/config/configmap"

	"bridge/fault"
)

func init() { guards["ftp"] = guardFtp }

// The protocol of old has no way to tell that a folder is not there, is not to be read, or is empty: where a server has no MLSD, all
// three can be an empty answer (vsftpd). rclone looks into the folder above then, which tells missing ones only. What tells the others
// is `LIST -a`, which names the folder itself, as ".", in each answer that is one. rclone leaves that out of its listings, so we ask
// on its connections.

//go:linkname takeConnection github.com/rclone/rclone/backend/ftp.(*Fs).getFtpConnection
func takeConnection(f *ftp.Fs, ctx context.Context) (*jlaffaye.ServerConn, error)

//go:linkname giveBack github.com/rclone/rclone/backend/ftp.(*Fs).putFtpConnection
func giveBack(f *ftp.Fs, connection **jlaffaye.ServerConn, err error)

//go:linkname sentPath github.com/rclone/rclone/backend/ftp.(*Fs).dirFromStandardPath
func sentPath(f *ftp.Fs, dir string) string

const (
	// hiddenOption has rclone send `LIST -a`.
	hiddenOption = "force_list_hidden"
	// noDots is what a server cannot do that shows names that begin with a dot to nobody.
	noDots = "this FTP server does not list names that begin with a dot: what has such a name is missing"
)

// guardFtp looks whether the server has MLSD, and else whether it knows `LIST -a`, which is used then unless the user has chosen.
func guardFtp(open newFs) newFs {
	return func(ctx context.Context, name, root string, config configmap.Mapper) (fs.Fs, error) {
		plain, err := open(ctx, name, root, config)
		inner, ok := plain.(*ftp.Fs)
		if !ok {
			return plain, err
		}
		forced, _ := config.Get(hiddenOption)
		precise, askErr := hasMlsd(ctx, inner)
		if askErr != nil {
			return nil, askErr
		}
		if precise && forced != "true" {
			return &ftpRemote{guarded: before(inner), inner: inner, precise: true}, err
		}
		if chosen(config, hiddenOption) {
			found, askErr := namesItself(ctx, inner)
			if askErr != nil {
				return nil, askErr
			}
			return &ftpRemote{guarded: before(inner), inner: inner, dots: found}, err
		}
		other, otherErr := open(ctx, name, root, settled{config, map[string]string{hiddenOption: "true"}})
		hidden, ok := other.(*ftp.Fs)
		if !ok {
			return nil, otherErr
		}
		if found, askErr := namesItself(ctx, hidden); askErr == nil && found {
			_ = inner.Shutdown(ctx)
			return &ftpRemote{guarded: before(hidden), inner: hidden, dots: true}, otherErr
		}
		_ = hidden.Shutdown(ctx)
		return &ftpRemote{guarded: before(inner), inner: inner, lacks: []string{noDots}}, err
	}
}

func hasMlsd(ctx context.Context, f *ftp.Fs) (precise bool, err error) {
	err = onConnection(ctx, f, func(connection *jlaffaye.ServerConn) error {
		precise = connection.IsTimePreciseInList()
		return nil
	})
	return precise, err
}

// namesItself tells whether a listing of the folder after the login has that folder in it.
func namesItself(ctx context.Context, f *ftp.Fs) (found bool, err error) {
	err = onConnection(ctx, f, func(connection *jlaffaye.ServerConn) error {
		entries, err := connection.List("")
		found = err == nil && hasDot(entries)
		if replied(err) {
			// It does not know `-a`, or there is no way to see that folder.
			return nil
		}
		return err
	})
	return found, err
}

func onConnection(ctx context.Context, f *ftp.Fs, do func(*jlaffaye.ServerConn) error) error {
	connection, err := takeConnection(f, ctx)
	if err != nil {
		return err
	}
	err = do(connection)
	giveBack(f, &connection, err)
	return err
}

func hasDot(entries []*jlaffaye.Entry) bool {
	for _, entry := range entries {
		if entry.Name == "." {
			return true
		}
	}
	return false
}

// replied tells whether an error is what the server replied.
func replied(err error) bool {
	var reply *textproto.Error
	return errors.As(err, &reply)
}

// ftpRemote is an FTP remote whose listings can be relied on.
type ftpRemote struct {
	guarded
	inner *ftp.Fs
	// dots tells that each listing has the folder itself in it, precise that listings are asked for by MLSD.
	dots, precise bool
	lacks         []string
}

func (f *ftpRemote) limits() []string { return f.lacks }

func (f *ftpRemote) List(ctx context.Context, dir string) (fs.DirEntries, error) {
	entries, err := f.inner.List(ctx, dir)
	full := path.Join(f.inner.Root(), dir)
	var reply *textproto.Error
	switch {
	case err == nil && !f.precise && inDoubt(entries, full):
		return entries, f.reachable(ctx, full)
	case errors.As(err, &reply) && reply.Code == jlaffaye.StatusBadArguments && f.missing(ctx, full):
		// What pyftpdlib says of a folder that is not there.
		return nil, fs.ErrorDirNotFound
	}
	return entries, err
}

// inDoubt tells whether a listing may be none: it has nothing in it, or the folder itself alone, which is how vsftpd lists a folder
// that the account may not read.
func inDoubt(entries fs.DirEntries, full string) bool {
	return len(entries) == 0 || len(entries) == 1 && path.Base(entries[0].Remote()) == path.Base(full)
}

// reachable gives an error unless a folder is one that can be listed.
func (f *ftpRemote) reachable(ctx context.Context, full string) error {
	reached := false
	err := onConnection(ctx, f.inner, func(connection *jlaffaye.ServerConn) error {
		sent := sentPath(f.inner, full)
		if f.dots {
			entries, err := connection.List(sent)
			reached = err == nil && hasDot(entries)
			return err
		}
		back, err := connection.CurrentDir()
		if err != nil {
			return err
		}
		if reached = connection.ChangeDir(sent) == nil; reached {
			return connection.ChangeDir(back)
		}
		return nil
	})
	if err != nil || reached {
		return err
	}
	message := "the FTP server gives no answer for this folder, not even an empty one: the account may not read it"
	if sent := sentPath(f.inner, full); sent != full {
		message += ", or its name is not the one that rclone asks for (" + path.Base(sent) + "): rename it, or set the option \"encoding\""
	}
	return fault.New(fault.Permission, "", message)
}

// missing tells whether a folder is not there: the folder above it, or above that, can be listed and has none of that name.
func (f *ftpRemote) missing(ctx context.Context, full string) (missing bool) {
	_ = onConnection(ctx, f.inner, func(connection *jlaffaye.ServerConn) error {
		for full != "" && full != "/" && full != "." {
			above := path.Dir(full)
			if above == "." {
				above = ""
			}
			entries, err := connection.List(sentPath(f.inner, above))
			if err == nil {
				name := sentPath(f.inner, path.Base(full))
				missing = true
				for _, entry := range entries {
					missing = missing && entry.Name != name
				}
				return nil
			}
			if !replied(err) {
				return err
			}
			full = above
		}
		return nil
	})
	return missing
}
