package tui

import (
	"context"
	"encoding/base64"
	"errors"
	"os"

	tea "charm.land/bubbletea/v2"
	"golang.org/x/term"
)

// Options are what the program is started with.
type Options struct {
	Layout
	Sources
	In, Out *os.File
}

// Run shows everything until the user quits or ctx ends.
func Run(ctx context.Context, o Options) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p := &program{model: New(o.Layout), painter: painter{w: o.Out}}
	bubble := tea.NewProgram(p, tea.WithContext(ctx), tea.WithInput(o.In), tea.WithOutput(silent{o.Out}), tea.WithFPS(1), tea.WithoutCatchPanics())
	p.hub = newHub(ctx, o, func(msg any) { bubble.Send(msg) })
	before, err := term.GetState(int(o.In.Fd()))
	if err != nil {
		return err
	}
	defer func() { // also after a panic, which is for the terminal as it was
		_, _ = o.Out.WriteString(leave)
		_ = term.Restore(int(o.In.Fd()), before)
	}()
	if _, err := o.Out.WriteString(enter); err != nil {
		return err
	}
	_, err = bubble.Run()
	if errors.Is(err, tea.ErrProgramKilled) || errors.Is(err, tea.ErrInterrupted) {
		return nil // told to end, which is no failure
	}
	return err
}

// silent is the terminal to bubbletea, for its state and its size. What bubbletea's
// renderer writes is dropped: it wakes up many times a second to see whether there is
// something to draw, so it has been slowed down to once, and what is to be drawn is drawn
// at once instead.
type silent struct{ *os.File }

func (silent) Write(p []byte) (int, error) { return len(p), nil }

// program joins the model, the terminal and the sources.
type program struct {
	model   *Model
	painter painter
	hub     *hub
}

func (p *program) Init() tea.Cmd  { return nil }
func (p *program) View() tea.View { return tea.View{} }

// clip is a text for the clipboard.
type clip string

func (p *program) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.ColorProfileMsg, tea.EnvMsg:
		return p, nil
	case clip:
		if err := p.painter.copyText(base64.StdEncoding.EncodeToString([]byte(msg))); err != nil {
			return p, tea.Quit
		}
		return p, nil
	case tea.WindowSizeMsg, tea.ResumeMsg:
		p.painter.forget()
	}
	wants, quit := p.model.Update(msg)
	if err := p.painter.paint(p.model.View()); err != nil || quit { // a terminal that is gone
		return p, tea.Quit
	}
	if _, first := msg.(tea.WindowSizeMsg); first { // there is a frame: now ask
		p.hub.visit(p.model.screens[p.model.at].name)
	}
	for _, w := range wants {
		p.hub.want(w)
	}
	return p, nil
}
